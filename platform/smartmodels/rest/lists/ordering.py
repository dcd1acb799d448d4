"""In which order a list stands: terms that end with the primary key, so that no two rows are equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, Field, Model, TextField
from django.db.models.functions import Cast

__all__ = ["OrderTerm", "as_keys", "column_of", "in_order", "is_nullable", "turned_round", "with_key"]


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One criterion: a field, or a path to one (``study__code``), its direction and where nulls stand."""

    source: str
    descending: bool = False
    nulls_first: bool = False


def with_key(model: type[Model], terms: Iterable[OrderTerm]) -> tuple[OrderTerm, ...]:
    """Return the terms up to the primary key, added at the end if it is not among them.

    Keys are UUIDs of version 7, so that without any other term rows stand as they were made.
    """
    key = _key_of(model)
    kept: dict[str, OrderTerm] = {}
    for term in terms:
        kept.setdefault(term.source, term)
        if term.source == key:
            break
    kept.setdefault(key, OrderTerm(key))
    return tuple(kept.values())


def _key_of(model: Any) -> str:
    """Return the column that tells rows apart; of versions of rows it is the row's key, not their own."""
    return str(getattr(model, "instance_type", model)._meta.pk.attname)


def turned_round(terms: tuple[OrderTerm, ...]) -> tuple[OrderTerm, ...]:
    """Return the opposite order."""
    return tuple(
        replace(term, descending=not term.descending, nulls_first=not term.nulls_first) for term in terms
    )


def in_order(rows: Any, terms: Iterable[OrderTerm]) -> Any:
    """Return the queryset in this order.

    Where nulls stand is said only of columns that have any: said of others, it would keep PostgreSQL from
    reading the order off an index.
    """
    return rows.order_by(*(_sorted_by(rows.model, term) for term in terms))


def _sorted_by(model: type[Model], term: OrderTerm) -> Any:
    nulls: dict[str, Any] = {}
    if is_nullable(model, term.source):
        nulls = {"nulls_first": True} if term.nulls_first else {"nulls_last": True}
    column = F(term.source)
    return column.desc(**nulls) if term.descending else column.asc(**nulls)


def as_keys(terms: Iterable[OrderTerm]) -> tuple[Any, ...]:
    """Return expressions for the values of the terms as text, from which PostgreSQL reads them exactly."""
    return tuple(Cast(F(term.source), TextField()) for term in terms)


def _steps(model: Any, source: str) -> Iterator[Any]:
    for name in source.split("__"):
        field = model._meta.get_field(name)
        yield field
        model = field.related_model


def is_nullable(model: type[Model], source: str) -> bool:
    """Tell whether the value may be null, be it because a row on the way to it is missing."""
    return any(getattr(field, "null", True) for field in _steps(model, source))


def column_of(model: type[Model], source: str) -> Field[Any, Any]:
    """Return the field that the value is stored in: for a reference, that of the key it points at."""
    *_, field = _steps(model, source)
    while field.remote_field is not None:
        field = field.target_field
    return field  # type: ignore[no-any-return]
