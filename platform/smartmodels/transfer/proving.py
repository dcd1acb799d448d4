"""Whether rows that came from elsewhere are what their history says."""

from __future__ import annotations

from typing import Any

from smartmodels.context import namespace_scope
from smartmodels.history.evidence import verify
from smartmodels.transfer.archive import refuse

__all__ = ["require_intact"]


def require_intact(bound: Any) -> None:
    """Raise ArchiveInvalid when the history of the schema is not what was written."""
    with namespace_scope(bound):
        result = verify()
    if not result.is_intact:
        first = result.findings[0]
        count = len(result.findings) + result.more
        raise refuse(f"its history does not hold, {count} findings, such as: {first.what}")
