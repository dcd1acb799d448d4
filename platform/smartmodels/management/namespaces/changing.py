"""What changes one namespace by one service, for earnest or for show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.context import operation
from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.namespaces.describing import describe
from smartmodels.tenancy.life import rehearsed
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["because", "because_arguments", "change", "told"]


def because_arguments(parser: CommandParser) -> None:
    """Declare why it is done."""
    parser.add_argument("--reason", help="Why; kept in the audit entry.")


def because(name: str, help: str, run: Callable[[BaseCommand, Options], None]) -> Action:  # noqa: A002 - argparse's word
    """Return the action that takes a slug, a reason and ``--dry-run``."""
    return Action(name, help, run, because_arguments, dry_run=True)


def told(options: Options, text: str) -> str:
    """Return the sentence, said of what would be when it is only for show."""
    return f"Would do: {text}" if options["dry_run"] else text


def change(
    command: BaseCommand,
    options: Options,
    service: Callable[[Any], Any],
    text: str,
    *,
    find: Callable[[], Any] | None = None,
) -> None:
    """Call the service for the namespace of the slug and describe it as it is, or would be, then."""
    namespace = find() if find else find_namespace(options["slug"])
    with operation(reason=options.get("reason")), rehearsed(options["dry_run"]):
        service(namespace)
        known = {**describe(namespace), "dry_run": options["dry_run"]}
    say(command, options, known, told(options, text.format(slug=namespace.slug)))
