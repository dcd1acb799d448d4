"""Put what several statements found in one order: PostgreSQL's own, whatever the types of the columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from django.db import connection

from smartmodels.rest.lists import column_of

__all__ = ["merged"]


def merged(model: Any, terms: Sequence[Any], sources: Sequence[Sequence[Any]]) -> list[Any]:
    """Return what the sources hold in the order of the terms, by the ``key`` of each (texts, or None)."""
    filled = [source for source in sources if source]
    found = list(chain.from_iterable(filled))
    if len(filled) < 2:
        return found
    if _goes_by_key(model, terms):
        # Keys are UUIDs, which stand in the order of their texts.
        return sorted(found, key=lambda each: str(each.key[0]), reverse=terms[0].descending)
    return [found[number] for number in _order(model, terms, [each.key for each in found])]


def _goes_by_key(model: Any, terms: Sequence[Any]) -> bool:
    return bool(terms[0].source == model._meta.pk.name)


def _order(model: Any, terms: Sequence[Any], keys: Sequence[Sequence[str | None]]) -> list[int]:
    """Return the numbers of the keys in order."""
    names = [f"k{number}" for number in range(len(terms))]
    order = ", ".join(_ordered(model, term, name) for term, name in zip(terms, names, strict=True))
    arrays = ", ".join("%s::text[]" for _ in terms)
    statement = (
        f"SELECT place FROM unnest({arrays}) WITH ORDINALITY AS given ({', '.join(names)}, place) "  # noqa: S608
        f"ORDER BY {order}, place"
    )
    columns = [list(column) for column in zip(*keys, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)
        return [place - 1 for (place,) in cursor.fetchall()]


def _ordered(model: Any, term: Any, name: str) -> str:
    kind = column_of(model, term.source).rel_db_type(connection)
    value = f'{name} COLLATE "C"' if term.is_text else f"{name}::{kind}"
    way = "DESC" if term.descending else "ASC"
    return f"{value} {way} NULLS {'FIRST' if term.nulls_first else 'LAST'}"
