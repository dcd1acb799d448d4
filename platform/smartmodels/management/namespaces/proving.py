"""``manage.py namespace fsck``: what no constraint keeps."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.fsck import check_namespaces
from smartmodels.management.namespaces.actions import Action, Options, tell_step
from smartmodels.management.namespaces.reporting import tell_fsck
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS"]


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("slug", nargs="?", help="One namespace; all, and what they share, if not given.")
    parser.add_argument("--fix", action="store_true", help="Mend what is safe to mend.")
    parser.add_argument(
        "--drop-schemas",
        action="store_true",
        help="With --fix: drop schemas that nothing is served from, and files of those that are gone.",
    )


def _fsck(command: BaseCommand, options: Options) -> None:
    slugs = None if options["slug"] is None else [find_namespace(options["slug"]).slug]
    fix = options["fix"] and not options["dry_run"]
    report = check_namespaces(
        slugs, fix=fix, drop_schemas=options["drop_schemas"],
        progress=lambda step: tell_step(command, options, step),
    )  # fmt: skip
    tell_fsck(command, options, report, "namespace fsck", fix=fix)


ACTIONS = (
    Action("fsck", "look for what no constraint keeps, in one namespace or in all", _fsck, _arguments,
           slug=False, dry_run=True),
)  # fmt: skip
