"""The filter of a list, in the form Django REST framework knows."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from rest_framework.filters import BaseFilterBackend

from smartmodels.context import require_namespace
from smartmodels.rest.filtering.embedding import with_joins
from smartmodels.rest.filtering.openapi import describe

__all__ = ["SelectionFilter", "home_condition"]


def home_condition(rows: Any) -> Q | None:
    """Return the condition under which a row lives in the bound namespace; None where all of them do."""
    if getattr(rows.query, "many_schemas", None) is None:
        return None
    return Q(home=require_namespace().slug)


class SelectionFilter(BaseFilterBackend):
    """``?filter=``: the rows that the filter selects, in its order."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        """Return the rows that are selected; raise InvalidFilter."""
        return with_joins(view, view.select(home_condition(queryset)).of(queryset))

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe ``filter``, or ``where`` of a count; that of ``find`` is in the body."""
        if view.action == "find":
            return []
        return [describe(view, "where" if view.action == "count" else "filter")]
