"""Versions of a shared row: as many as its grant shows."""

from __future__ import annotations

from typing import Any

from smartmodels.rest import NotFound
from smartmodels.sharing import GrantHistory

__all__ = ["versions_shown"]


def versions_shown(row: Any, versions: Any) -> Any:
    """Return those versions of a shared row that its grant shows; raise NotFound where it shows none."""
    grant = row.grant
    if grant.history == GrantHistory.NONE:
        raise NotFound("This row is shared without its history: ask its home for that.")
    if grant.history == GrantHistory.FULL:
        return versions
    return versions.filter(history_date__gte=grant.decided_at or grant.created_at)
