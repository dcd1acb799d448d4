"""``order``: which comes first."""

from __future__ import annotations

import re
from typing import Any

from smartmodels.rest.filtering.brackets import listed
from smartmodels.rest.filtering.caps import ITEMS
from smartmodels.rest.filtering.columns import Column, columns_of
from smartmodels.rest.filtering.errors import InvalidFilter, Place, unknown
from smartmodels.rest.filtering.selection import OrderTerm

__all__ = ["order_of"]

_DIRECTIONS = re.compile(r"(?P<way>ASC|DESC)?\s*(?:NULLS\s+(?P<nulls>FIRST|LAST))?\Z", re.IGNORECASE)


def order_of(view: Any, given: Any, place: Place) -> tuple[OrderTerm, ...]:
    """Return the terms of the order, the keys last; raise InvalidFilter.

    Without an order rows stand as they were made, or by the ``id`` they are shown under if that is none of
    ours. Nulls are last, in descending order first, unless the order says otherwise.
    """
    columns = columns_of(view.get_serializer_class(), view.model)
    terms = [_term(columns, part, place) for part in _parts(given, place)]
    last = [_term_of(columns["id"])] if "id" in columns else []
    # Keys are UUIDs of version 7, so that without any other term rows stand as they were made.
    key = OrderTerm("id", view.model._meta.pk.name)
    by_source: dict[str, OrderTerm] = {}
    for term in (*terms, *last, key):
        by_source.setdefault(term.source, term)
    return tuple(by_source.values())


def _parts(given: Any, place: Place) -> list[str]:
    items = [given] if isinstance(given, str) else ([] if given is None else listed(given))
    if not isinstance(items, list):
        raise InvalidFilter("expected an array", place)
    if not all(isinstance(item, str) for item in items) or len(items) > ITEMS:
        raise InvalidFilter("order must be strings", place)
    parts = [part.strip() for item in items for part in item.split(",")]
    return [part for part in parts if part]


def _term(columns: dict[str, Column], part: str, place: Place) -> OrderTerm:
    name, *said = part.split(None, 1)
    column = columns.get(name)
    if column is None or not column.is_comparable:
        comparable = (each for each, found in columns.items() if found.is_comparable)
        raise unknown("property", name, place, comparable)
    match = _DIRECTIONS.match(said[0] if said else "")
    if match is None:
        raise InvalidFilter("invalid order", place)
    descending = (match["way"] or "").upper() == "DESC"
    nulls = (match["nulls"] or ("FIRST" if descending else "LAST")).upper()
    return _term_of(column, descending=descending, nulls_first=nulls == "FIRST")


def _term_of(column: Column, *, descending: bool = False, nulls_first: bool = False) -> OrderTerm:
    # A way over keys may end before it reaches a row.
    nullable = column.field.null or "__" in column.source
    return OrderTerm(column.name, column.source, descending, nulls_first, column.is_text, nullable)
