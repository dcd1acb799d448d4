"""What commands of several actions have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import CommandParser

from smartmodels.context import Actor, operation
from smartmodels.management.namespaces.actions import Action
from smartmodels.management.refusals import RefusingCommand, command_errors

__all__ = ["SubjectCommand"]


class SubjectCommand(RefusingCommand):
    """A command whose first argument names one of its ``actions``; ``name`` is what it is called itself."""

    name: ClassVar[str]
    actions: ClassVar[tuple[Action, ...]]

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one subcommand per action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for action in self.actions:
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
        """Run the action, with an operation open whose actor is the command."""
        action = next(each for each in self.actions if each.name == options["action"])
        with command_errors(), operation(actor=Actor.command(f"{self.name} {action.name}")):
            action.run(self, options)
