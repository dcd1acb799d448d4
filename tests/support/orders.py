"""Orders as a filter asks for them, for tests of what stands below it."""

from collections.abc import Iterable
from typing import Any

from django.db.models import CharField, Q, TextField

from smartmodels.rest.filtering import OrderTerm, Selection


def term(model: Any, source: str, descending: bool = False, nulls_first: bool = False) -> OrderTerm:
    """Return a criterion as the filter makes it of a column."""
    field = None
    for name in source.split("__"):
        field = model._meta.get_field(name)
        model = field.related_model
    assert field is not None
    is_text = isinstance(field, (CharField, TextField))
    return OrderTerm(source, source, descending, nulls_first, is_text, field.null or "__" in source)


def with_key(model: Any, terms: Iterable[OrderTerm]) -> tuple[OrderTerm, ...]:
    """Return the terms up to the primary key, added at the end if it is not among them."""
    kept: dict[str, OrderTerm] = {}
    for each in (*terms, OrderTerm("id", "id")):
        kept.setdefault(each.source, each)
        if each.source == "id":
            break
    return tuple(kept.values())


def selected(model: Any, *terms: OrderTerm, fields: tuple[str, ...] | None = None) -> Selection:
    """Return the selection of all rows of a model."""
    return Selection(Q(), with_key(model, terms), fields=fields)
