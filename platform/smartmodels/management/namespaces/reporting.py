"""What ``fsck`` found, as JSON shows it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from smartmodels.fsck import Finding, Report

__all__ = ["fsck_report"]


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
