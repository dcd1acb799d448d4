"""Three ways to read the rows of a list, the fastest that understands the serializer is taken.

PostgreSQL writes the JSON; or plain values are read and written by compiled getters; or instances go
through the serializer. What is answered is the same, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, F, TextField, Value
from rest_framework.generics import GenericAPIView
from rest_framework.serializers import ManyRelatedField

from smartmodels.rest.encoding import JSONRenderer
from smartmodels.rest.filtering import OrderTerm, Selection, embed, only_fields
from smartmodels.rest.lists.compiling import Column, columns_of_class, compiled, is_fixed
from smartmodels.rest.lists.json_rows import JsonRow, escaped_separators, json_row
from smartmodels.rest.lists.ordering import as_keys
from smartmodels.rest.lists.paging import Found

__all__ = ["Reading", "reading_of"]


class Reading(Protocol):
    """A way to read rows and to write them as JSON; ``is_text`` tells that they are read so."""

    is_text: bool

    def read(self, rows: Any) -> list[Found]:
        """Evaluate a queryset."""

    def as_json(self, rows: Sequence[Any]) -> str:
        """Return what was read as the inside of a JSON array."""

    def as_lines(self, rows: Sequence[Any]) -> str:
        """Return what was read as JSON, a line for each row but no end of line behind the last."""


class _Written:
    """Rows as PostgreSQL writes them."""

    is_text = True

    def __init__(self, row: JsonRow, terms: Iterable[OrderTerm]) -> None:
        self._expressions = (row, *as_keys(terms))

    def read(self, rows: Any) -> list[Found]:
        return [Found(text, tuple(key)) for text, *key in rows.values_list(*self._expressions)]

    def as_json(self, rows: Sequence[Any]) -> str:
        return escaped_separators(",".join(rows))

    def as_lines(self, rows: Sequence[Any]) -> str:
        return escaped_separators("\n".join(rows))


class _Rendered:
    """Rows as dictionaries."""

    is_text = False

    def as_json(self, rows: Sequence[Any]) -> str:
        return _json(list(rows))[1:-1]

    def as_lines(self, rows: Sequence[Any]) -> str:
        return "\n".join(map(_json, rows))


def _json(value: Any) -> str:
    return str(JSONRenderer().render(value).decode())


class _Got(_Rendered):
    """Rows as dictionaries made of plain values, column by column."""

    def __init__(self, columns: Sequence[Column], terms: Iterable[OrderTerm]) -> None:
        self._columns, self._keys = columns, as_keys(terms)

    def read(self, rows: Any) -> list[Found]:
        """Return the rows, each with its place in the order: one query for plain values."""
        said = rows.query.annotations
        sources = [
            _told(each.field, said) if each.stored is None else each.stored.attname for each in self._columns
        ]
        values = list(zip(*rows.values_list(*sources, *self._keys), strict=True))
        if not values:
            return []
        names = [each.name for each in self._columns]
        written = [_all(column, value) for column, value in zip(self._columns, values, strict=False)]
        keys = list(zip(*values[len(sources) :], strict=True))
        found = zip(*written, strict=True) if written else ((),) * len(keys)
        return [Found(dict(zip(names, row, strict=True)), key) for row, key in zip(found, keys, strict=True)]


def _told(field: Any, said: Any) -> Any:
    """Return what is told beside the columns: by the queryset, else what is usual."""
    kind = BooleanField() if field.kind == "boolean" else TextField()
    return F(field.told) if field.told in said else Value(field.usual(), output_field=kind)


def _all(column: Column, values: Iterable[Any]) -> list[Any]:
    write = column.write
    if write is None:
        return list(values)
    return [None if value is None else write(value) for value in values]


class _Serialized(_Rendered):
    """Rows as the serializer makes them, of instances with no more columns than it shows."""

    def __init__(self, view: Any, model: Any, selection: Selection) -> None:
        self._view, self._model, self._includes = view, model, selection.includes
        self._fields = selection.fields
        self._keys = {f"_key_{number}": key for number, key in enumerate(as_keys(selection.order))}

    def read(self, rows: Any) -> list[Found]:
        """Evaluate a queryset, with what the links and the included relations take, each in one query."""
        child = only_fields(self._view.get_serializer(), self._fields)
        links = [each.source for each in child._readable_fields if isinstance(each, ManyRelatedField)]
        asked = rows.annotate(**self._keys).prefetch_related(*links)
        if (stored := self._stored(child)) is not None:
            asked = asked.select_related(None).only(*stored)
        instances = list(asked)
        serializer = only_fields(self._view.get_serializer(instances, many=True), self._fields)
        keys = [tuple(getattr(each, name) for name in self._keys) for each in instances]
        shown = serializer.data
        if self._includes:
            shown = [dict(row) for row in shown]
            embed(instances, shown, self._includes)
        return [Found(row, key) for row, key in zip(shown, keys, strict=True)]

    def _stored(self, child: Any) -> list[str] | None:
        """Return the columns that the asked fields show; None where one may show anything of the row."""
        if self._fields is None or self._includes:
            return None
        found = [self._model._meta.pk.attname]
        for field in child._readable_fields:
            try:
                stored = self._model._meta.get_field(field.source)
            except FieldDoesNotExist:
                return None
            if stored.concrete and not stored.many_to_many:
                found.append(stored.attname)
        return found


def reading_of(view: Any, model: Any, selection: Selection, *, written: bool = True) -> Reading:
    """Return the way to read rows of ``model`` for a view: the fields and what is included, as selected.

    Without ``written`` rows are dictionaries, for answers that are not JSON.
    """
    columns = None if selection.includes else _columns(view, model)
    if columns is None:
        return _Serialized(view, model, selection)
    if selection.fields is not None:
        wanted = frozenset(selection.fields)
        columns = tuple(column for column in columns if column.name in wanted)
    row = json_row(columns) if written else None
    return _Got(columns, selection.order) if row is None else _Written(row, selection.order)


def _columns(view: Any, model: Any) -> tuple[Column, ...] | None:
    kind = view.get_serializer_class()
    if type(view).get_serializer is GenericAPIView.get_serializer and is_fixed(kind):
        return columns_of_class(kind, model)
    return compiled(view.get_serializer(), model)
