"""``manage.py share list``: what is shared."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.exceptions import InvalidInput
from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.shares.telling import as_data, as_table, known_grants
from smartmodels.sharing import GrantStatus
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS"]


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("--from", dest="home", metavar="SLUG", help="Only from this namespace.")
    parser.add_argument("--to", dest="target", metavar="SLUG", help="Only to this namespace.")
    parser.add_argument("--passed-by", dest="passer", metavar="SLUG", help="Only what this one passed on.")
    parser.add_argument("--status", choices=GrantStatus.values, help="Only those noted to be so.")
    parser.add_argument("--limit", type=int, default=100, help="How many at most, newest first.")


def _list(command: BaseCommand, options: Options) -> None:
    if options["limit"] < 1:
        raise InvalidInput("--limit is a whole number from 1 on.")
    grants = known_grants().order_by("-created_at", "-pk")
    for side in ("home", "target", "passer"):
        if options[side] is not None:
            grants = grants.filter(**{side: find_namespace(options[side])})
    if options["status"] is not None:
        grants = grants.filter(status=options["status"])
    found = list(grants[: options["limit"]])
    say(command, options, [as_data(grant) for grant in found], as_table(found))


ACTIONS = (Action("list", "grants, newest first", _list, _arguments, slug=False),)
