"""``manage.py share policy``: what a namespace lets out and takes in."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.output import facts
from smartmodels.sharing import GrantRole, Sharing, policy_of, set_policy
from smartmodels.tenancy.life import rehearsed
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS"]

_NAMES = ("outbound", "inbound", "partners", "highest_role", "default_days")


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("--outbound", choices=Sharing.values, help="What it lets out.")
    parser.add_argument("--inbound", choices=Sharing.values, help="What it takes in.")
    parser.add_argument(
        "--partners", nargs="*", metavar="SLUG", help="Deal with these alone; none: with all."
    )
    parser.add_argument("--highest-role", choices=GrantRole.values)
    parser.add_argument(
        "--default-days", type=int, help="Days of grants that name no end; 0: they have none."
    )


def _policy(command: BaseCommand, options: Options) -> None:
    namespace = find_namespace(options["slug"])
    given = {name: options[name] for name in _NAMES if options[name] is not None}
    if given.get("default_days") == 0:
        given["default_days"] = None
    policy = policy_of(namespace)
    if given:
        with rehearsed(options["dry_run"]):
            policy = set_policy(namespace, **given)
    known = {name: getattr(policy, name) for name in _NAMES}
    text = {name: " ".join(known[name]) or "-" if name == "partners" else str(known[name]) for name in _NAMES}
    say(command, options, known, facts(text, {}))


ACTIONS = (
    Action("policy", "what a namespace lets out and takes in; with options, change that", _policy, _arguments,
           dry_run=True),
)  # fmt: skip
