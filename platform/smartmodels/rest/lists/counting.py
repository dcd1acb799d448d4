"""How many rows there are, if the client prefers to know (RFC 7240): exactly, or as PostgreSQL estimates."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import F

from smartmodels.rest.lists.listing import Listing
from smartmodels.rest.preferring import preferences

__all__ = ["COUNTS", "total_of", "wanted_count"]

COUNTS = ("exact", "estimated")

_CHEAP = 10_000.0
"""What counting may cost to be done for an estimate, in the planner's units: some ten milliseconds."""


def wanted_count(request: Any) -> str | None:
    """Return which total ``Prefer: count=exact`` or ``count=estimated`` asks for; None for neither."""
    given = preferences(request).get("count")
    return given if given in COUNTS else None


def total_of(rows: Any, kind: str) -> int:
    """Return the number of rows of a queryset or listing.

    An estimate costs no more than planning does: it is exact where the planner says that counting is
    cheap, and else its own guess.
    """
    if isinstance(rows, Listing):
        return rows.total(kind)
    if kind == "exact":
        return int(rows.order_by().count())
    asked = rows.order_by().values_list(F(rows.model._meta.pk.attname))
    try:
        told = asked.explain(format="json")
    except (EmptyResultSet, IndexError):
        told = ""
    if not told:
        return 0  # Django knows without asking that there are none.
    plan = json.loads(told)[0]["Plan"]
    if plan["Total Cost"] <= _CHEAP:
        return int(rows.order_by().count())
    return int(plan["Plan Rows"])
