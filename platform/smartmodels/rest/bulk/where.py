"""Which rows an update or a deletion by ``where`` is about: the one place that knows the grammar.

``RowViewSet.parse_where`` is a callable ``parse(where, view) -> Q``; the one here takes equality of exposed
fields alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from rest_framework.exceptions import ValidationError

from smartmodels.rest.bulk.finding import lock_rows
from smartmodels.rest.bulk.preferences import Preferences
from smartmodels.rest.faults import InvalidParameter
from smartmodels.rest.filters import columns_of
from smartmodels.rest.problems import Problem, Refused

__all__ = ["parse_equalities", "rows_where"]


def parse_equalities(where: Mapping[str, Any], view: Any) -> Q:
    """Return the condition that exposed fields have exactly these values; raise InvalidParameter."""
    columns = columns_of(view)
    condition = Q()
    for name, given in where.items():
        if name not in columns:
            raise InvalidParameter(
                "where", f"There is no column {name[:100]!r}: {', '.join(sorted(columns))}."
            )
        field = columns[name]
        if given is None:
            condition &= Q(**{f"{field.source}__isnull": True})
            continue
        reader = getattr(field, "pk_field", None) or field
        try:
            condition &= Q(**{str(field.source): reader.to_internal_value(given)})
        except (ValidationError, TypeError, ValueError) as error:
            raise InvalidParameter("where", f"{name[:100]!r} has no such value.") from error
    return condition


def _given(request: Any) -> Mapping[str, Any]:
    if "where" not in request.query_params:
        raise InvalidParameter("where", "Say which rows are meant: ?where={...}, or send an array.")
    try:
        where = json.loads(request.query_params["where"])
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("where", "This is not JSON.") from error
    if not isinstance(where, dict) or not where:
        raise InvalidParameter("where", "An object with at least one condition is needed.")
    return where


def rows_where(view: Any, preferences: Preferences) -> list[Any]:
    """Return the rows that ``?where=`` is about, locked.

    Raises InvalidParameter without an explicit condition or without ``max_affected``, and Refused when more
    rows than that meet the condition.
    """
    where = _given(view.request)
    most = preferences.max_affected
    if most is None:
        raise InvalidParameter(
            "max_affected", "Say how many rows may change at most: ?max_affected=, or Prefer: max-affected=."
        )
    condition = type(view).parse_where(where, view)
    if not condition:
        raise InvalidParameter("where", "This means every row: name at least one condition.")
    # A condition on related rows may meet a row several times, and DISTINCT rows cannot be locked.
    keys = view.get_queryset().filter(condition).order_by().values("pk")
    rows = list(lock_rows(view, pk__in=keys)[: most + 1])
    if len(rows) > most:
        raise Refused(
            Problem(
                409,
                "too-many-affected",
                f"More than {most} rows meet the condition; nothing was written.",
                details={"max_affected": most},
            )
        )
    return rows
