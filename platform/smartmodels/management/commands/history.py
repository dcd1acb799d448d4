"""``manage.py history``: look at what happened in a namespace, and undo it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import InvalidInput
from smartmodels.management.history import evidence, marking, reading, reverting
from smartmodels.management.history.actions import Action
from smartmodels.management.namespaces import summaries
from smartmodels.management.refusals import RefusingCommand, command_errors
from smartmodels.tenancy.models import State
from smartmodels.tenancy.provisioning import find_namespace

ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (*reading.ACTIONS, *reverting.ACTIONS, *marking.ACTIONS, *evidence.ACTIONS)
}


class Command(RefusingCommand):
    """Exit codes: 0 done, 1 refused (message and code on stderr), 2 wrong usage."""

    help = "Look at what happened in a namespace, and undo it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one subcommand per action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar=" | ".join(ACTIONS))
        for action in ACTIONS.values():
            sub = actions.add_parser(
                action.name, help=action.help, description=f"{action.help.capitalize()}."
            )
            sub.add_argument("--json", action="store_true", help="Print the result as JSON.")
            whole = "; all of them if not given" if action.every else ""
            sub.add_argument(
                "--namespace", metavar="SLUG", required=not action.every, help=f"In this namespace{whole}."
            )
            action.arguments(sub)

    def handle(self, *args: Any, **options: Any) -> None:
        action = ACTIONS[options["action"]]
        actor = Actor.command(f"history {action.name}")
        with command_errors():
            namespaces = [find_namespace(slug) for slug in self._slugs(action, options)]
            if action.together:
                with operation(actor=actor, nested=False):
                    action.run(self, {**options, "namespaces": namespaces})
                return
            for namespace in namespaces:
                with namespace_scope(namespace), operation(actor=actor, nested=False):
                    action.run(self, {**options, "namespace": namespace.slug})

    @staticmethod
    def _slugs(action: Action, options: dict[str, Any]) -> list[str]:
        if options["namespace"] is not None:
            return [options["namespace"]]
        if not action.every:
            raise InvalidInput(f"`history {action.name}` needs --namespace: say which one.")
        usable = (State.ACTIVE, State.MAINTENANCE, State.SUSPENDED)
        return [row["slug"] for row in summaries() if row["state"] in usable]
