"""In which order a list stands: its terms turned round, as values, and as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from django.db.models import F, Field, Model, TextField
from django.db.models.functions import Cast

from smartmodels.rest.filtering import OrderTerm

__all__ = ["as_keys", "column_of", "in_order", "turned_round"]


def turned_round(terms: tuple[OrderTerm, ...]) -> tuple[OrderTerm, ...]:
    """Return the opposite order."""
    return tuple(
        replace(term, descending=not term.descending, nulls_first=not term.nulls_first) for term in terms
    )


def in_order(rows: Any, terms: Iterable[OrderTerm]) -> Any:
    """Return the queryset in this order."""
    return rows.order_by(*(term.ordering for term in terms))


def as_keys(terms: Iterable[OrderTerm]) -> tuple[Any, ...]:
    """Return expressions for the values of the terms as text, from which PostgreSQL reads them exactly."""
    return tuple(Cast(F(term.source), TextField()) for term in terms)


def _steps(model: Any, source: str) -> Iterator[Any]:
    for name in source.split("__"):
        field = model._meta.get_field(name)
        yield field
        model = field.related_model


def column_of(model: type[Model], source: str) -> Field[Any, Any]:
    """Return the field that the value is stored in: for a reference, that of the key it points at."""
    *_, field = _steps(model, source)
    while field.remote_field is not None:
        field = field.target_field
    return field  # type: ignore[no-any-return]
