"""``manage.py namespace fsck``: what no constraint keeps."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from smartmodels.fsck import check_namespaces
from smartmodels.management.namespaces.actions import Action, Options, say, tell_step
from smartmodels.management.namespaces.reporting import fsck_report
from smartmodels.management.output import table
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS"]


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("slug", nargs="?", help="One namespace; all, and what they share, if not given.")
    parser.add_argument("--fix", action="store_true", help="Mend what is safe to mend.")
    parser.add_argument(
        "--drop-schemas", action="store_true", help="With --fix: drop schemas that nothing is served from."
    )


def _fsck(command: BaseCommand, options: Options) -> None:
    slugs = None if options["slug"] is None else [find_namespace(options["slug"]).slug]
    fix = options["fix"] and not options["dry_run"]
    report = check_namespaces(
        slugs, fix=fix, drop_schemas=options["drop_schemas"],
        progress=lambda step: tell_step(command, options, step),
    )  # fmt: skip
    cells = [[each.code, each.namespace or "-", each.place, each.what] for each in report.findings]
    text = table(("CODE", "NAMESPACE", "PLACE", "WHAT"), cells, {}) if cells else "Everything holds."
    if fix and cells:
        text += f"\nMended {report.mended} of {len(report.findings)}."
    say(command, options, fsck_report(report), text)
    if report.left:
        mendable = sum(each.mendable for each in report.left)
        raise CommandError(
            f"{len(report.left)} findings, {mendable} of which `namespace fsck --fix` mends. [fsck-findings]"
        )


ACTIONS = (
    Action("fsck", "look for what no constraint keeps, in one namespace or in all", _fsck, _arguments,
           slug=False, dry_run=True),
)  # fmt: skip
