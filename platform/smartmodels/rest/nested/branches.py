"""One kind of nested rows of a request: all of them, below or above all rows of one level."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.fields import SkipField

from smartmodels.rest.bulk.finding import lock_rows
from smartmodels.rest.bulk.items import Item
from smartmodels.rest.nested.declaring import Nested, Relation, relation_of
from smartmodels.rest.served import path_of

__all__ = ["Branch", "nested_fields", "view_of"]


def nested_fields(view: Any) -> dict[str, tuple[Nested, Relation]]:
    """Return what a viewset nests, by name."""
    return {name: (nested, relation_of(view.model, name)) for name, nested in view.nested.items()}


def view_of(parent: Any, nested: Nested) -> Any:
    """Return the viewset of nested rows as it would answer the same request; raise PermissionDenied."""
    view = nested.viewset(request=parent.request, format_kwarg=None, action="bulk_change", args=(), kwargs={})
    # What programs may do goes by the name of the list.
    view.basename = path_of(view.model)
    view.check_permissions(parent.request)
    return view


@dataclass(slots=True)
class Branch:
    """The nested rows of one name; ``below`` says whose each of them is.

    ``items`` are made or changed, ``going`` deleted; ``further`` are the branches of these rows. Of links
    ``bound`` are those that are to be there, parent and row, and ``loose`` those that go, parent and key;
    ``is_needed``: each parent is linked with one row at least.
    """

    name: str
    nested: Nested
    relation: Relation
    view: Any
    serializer: Any
    is_needed: bool = False
    items: list[Item] = field(default_factory=list)
    going: list[Item] = field(default_factory=list)
    below: dict[Item, Item] = field(default_factory=dict)
    further: list[Branch] = field(default_factory=list)
    bound: list[tuple[Item, Item]] = field(default_factory=list)
    loose: set[tuple[Item, Any]] = field(default_factory=set)

    # Rows by their natural key

    def key_in(self, data: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the natural key in what was sent; None where a part is missing or makes no sense."""
        if not self.nested.key:
            return None
        try:
            return tuple(self._part(name, data[name]) for name in self.nested.key)
        except (KeyError, ValidationError, SkipField, ValueError):
            return None

    def _part(self, name: str, given: Any) -> Any:
        reader = self.serializer.fields[name]
        if hasattr(reader, "pk_field"):
            return uuid.UUID(given) if isinstance(given, str) else None
        return reader.run_validation(given)

    def key_of(self, row: Any) -> tuple[Any, ...]:
        """Return the natural key of a row."""
        return tuple(getattr(row, attribute) for attribute in self._attributes())

    def _attributes(self) -> list[str]:
        fields = self.serializer.fields
        model = self.view.model
        return [model._meta.get_field(fields[name].source).attname for name in self.nested.key]

    def find_by_keys(self, items: Iterable[Item]) -> dict[Any, Any]:
        """Return the visible rows that have the natural keys which were sent, in one query."""
        wanted = {key for item in items if (key := self.key_in(item.data)) is not None}
        if not wanted:
            return {}
        columns = zip(*wanted, strict=True)
        narrowed = {
            f"{name}__in": set(values) for name, values in zip(self._attributes(), columns, strict=True)
        }
        rows = {self.key_of(row): row for row in lock_rows(self.view, **narrowed)}
        return {key: row for key, row in rows.items() if key in wanted}
