"""``manage.py namespace``: everything that is done to namespaces."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from smartmodels.context import Actor, operation
from smartmodels.management.namespaces import (
    auditing,
    copying,
    domains,
    keys,
    looking,
    making,
    members,
    migrations,
    moving,
    origins,
    proving,
    readying,
    removing,
    renaming,
    stopping,
)
from smartmodels.management.namespaces.actions import Action
from smartmodels.management.refusals import RefusingCommand, command_errors

SUBJECTS = (
    making,
    looking,
    readying,
    stopping,
    renaming,
    domains,
    members,
    keys,
    origins,
    migrations,
    moving,
    copying,
    proving,
    removing,
    auditing,
)
ACTIONS: dict[str, Action] = {action.name: action for subject in SUBJECTS for action in subject.ACTIONS}


class Command(RefusingCommand):
    """Exit codes: 0 done, 1 refused (message and code on stderr), 2 wrong usage."""

    help = "Make namespaces, look at them, change them, stop serving them and remove them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one subcommand per action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for action in ACTIONS.values():
            sub = actions.add_parser(
                action.name, help=action.help, description=f"{action.help.capitalize()}."
            )
            sub.add_argument("--json", action="store_true", help="Print the result as JSON.")
            if action.slug:
                sub.add_argument("slug", help="The namespace's name in its host.")
            if action.dry_run:
                sub.add_argument("--dry-run", action="store_true", help="Say what would be done; do nothing.")
            action.arguments(sub)

    def handle(self, *args: Any, **options: Any) -> None:
        action = ACTIONS[options["action"]]
        with command_errors(), operation(actor=Actor.command(f"namespace {action.name}")):
            action.run(self, options)
