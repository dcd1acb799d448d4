"""What ``fsck`` found, as people and programs are told."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from smartmodels.fsck import Finding, Report
from smartmodels.management.namespaces.actions import Options, say
from smartmodels.management.output import table

__all__ = ["fsck_report", "tell_fsck"]


def _one(finding: Finding) -> dict[str, Any]:
    known = asdict(finding)
    known.pop("about")
    return known


def fsck_report(report: Report) -> dict[str, Any]:
    """Return a report by the names of its fields."""
    return {
        "namespaces": report.namespaces,
        "findings": [_one(each) for each in report.findings],
        "mended": report.mended,
        "left": [_one(each) for each in report.left],
    }


def tell_fsck(command: BaseCommand, options: Options, report: Report, name: str, *, fix: bool) -> None:
    """Print the report of the command ``name``; raise CommandError if anything is left."""
    cells = [[each.code, each.namespace or "-", each.place, each.what] for each in report.findings]
    text = table(("CODE", "NAMESPACE", "PLACE", "WHAT"), cells, {}) if cells else "Everything holds."
    if fix and cells:
        text += f"\nMended {report.mended} of {len(report.findings)}."
    say(command, options, fsck_report(report), text)
    if report.left:
        mendable = sum(each.mendable for each in report.left)
        raise CommandError(
            f"{len(report.left)} findings, {mendable} of which `{name} --fix` mends. [fsck-findings]"
        )
