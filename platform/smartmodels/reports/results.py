"""What a report found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smartmodels.reports.declaring import Dimension, Report
from smartmodels.reports.errors import ReportInvalid

__all__ = ["FORMATS", "ReportResult", "check_format"]

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "png": "image/png",
}
"""The formats a result can be written in, with their content types."""


def check_format(name: str) -> str:
    """Return the format in lower case, without a dot; raise ReportInvalid for one there is not."""
    found = name.lower().removeprefix(".")
    if found not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise ReportInvalid(
            f"A report cannot be written as {name!r}: choose from {known}.", known=list(FORMATS)
        )
    return found


@dataclass(frozen=True, slots=True)
class ReportResult:
    """One row per group, in the order of the groups.

    ``frame`` is the pandas DataFrame, ``namespaces`` the slugs that were read, ``skipped`` those that could
    not be (slug -> why), ``rows_read`` the number of rows behind the groups, ``taken_at`` the moment of the
    snapshot.
    """

    report: Report
    group_by: tuple[Dimension, ...]
    frame: Any
    namespaces: tuple[str, ...]
    skipped: Mapping[str, str]
    rows_read: int
    taken_at: datetime

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns: first the dimensions, then the statistics."""
        return tuple(self.frame.columns)

    def rows(self) -> list[dict[str, Any]]:
        """Return the groups as plain Python values; what is missing is None."""
        return [
            {column: _plain(value) for column, value in zip(self.columns, row, strict=True)}
            for row in self.frame.itertuples(index=False, name=None)
        ]

    def as_document(self) -> dict[str, Any]:
        """Return everything about the result, fit for JSON."""
        return {
            "report": self.report.name,
            "title": self.report.title,
            "group_by": [dimension.name for dimension in self.group_by],
            "namespaces": list(self.namespaces),
            "skipped": dict(self.skipped),
            "rows_read": self.rows_read,
            "taken_at": self.taken_at,
            "rows": self.rows(),
        }


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, str):
        return value
    # pandas' NA is equal to nothing and neither true nor false.
    if type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and math.isnan(value)):
        return None
    return value
