"""``manage.py share fsck``: what is shared is what the rows and the grants say."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.fsck import SHARING, check_namespaces
from smartmodels.management.namespaces.actions import Action, Options, tell_step
from smartmodels.management.namespaces.reporting import tell_fsck
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS"]


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("slug", nargs="?", help="What one namespace shares; what all share if not given.")
    parser.add_argument("--fix", action="store_true", help="Mend what is safe to mend.")


def _fsck(command: BaseCommand, options: Options) -> None:
    slugs = None if options["slug"] is None else [find_namespace(options["slug"]).slug]
    fix = options["fix"] and not options["dry_run"]
    report = check_namespaces(
        slugs, fix=fix, only=SHARING, progress=lambda step: tell_step(command, options, step)
    )
    tell_fsck(command, options, report, "share fsck", fix=fix)


ACTIONS = (
    Action("fsck", "look for what does not hold in what is shared", _fsck, _arguments, slug=False,
           dry_run=True),
)  # fmt: skip
