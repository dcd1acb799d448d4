"""``manage.py share accept|decline|leave|revoke``: what becomes of grants."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from smartmodels.exceptions import InvalidInput, RowNotFound
from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.shares.telling import as_data, as_table, known_grants
from smartmodels.sharing import accept, decline, leave, revoke
from smartmodels.tenancy.life import rehearsed

__all__ = ["ACTIONS"]


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("grants", metavar="GRANT", nargs="+", help="Ids, as `share list` shows them.")


def _found(given: str) -> Any:
    try:
        key = uuid.UUID(given)
    except ValueError as error:
        raise InvalidInput(f"{given!r} is no id of a grant: `manage.py share list` shows them.") from error
    grant = known_grants().filter(pk=key).first()
    if grant is None:
        raise RowNotFound(f"There is no grant {given}: `manage.py share list` shows them.")
    return grant


def _decide(step: Callable[[Any], Any], command: BaseCommand, options: Options) -> None:
    with transaction.atomic(), rehearsed(options["dry_run"]):
        done = [step(_found(given)) for given in dict.fromkeys(options["grants"])]
    say(command, options, [as_data(grant) for grant in done], as_table(done))


_STEPS: tuple[tuple[str, Callable[[Any], Any], str], ...] = (
    ("accept", accept, "accept pending grants on behalf of their target, all or none"),
    ("decline", decline, "decline pending grants on behalf of their target, all or none"),
    ("leave", leave, "give grants back on behalf of their target, all or none"),
    ("revoke", revoke, "take grants back on behalf of their home, all or none"),
)

ACTIONS = tuple(
    Action(name, about, partial(_decide, step), _arguments, slug=False, dry_run=True)
    for name, step, about in _STEPS
)
