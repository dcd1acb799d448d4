"""Rows as a table: the columns of a serializer, and what a cell of each kind holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from rest_framework import serializers
from rest_framework.utils.encoders import JSONEncoder

__all__ = ["Chunks", "TableColumn", "columns_of_table", "plain_rows"]

Kind = Literal["text", "integer", "float", "decimal", "boolean", "date", "datetime"]

Chunks = Iterable[list[dict[str, Any]]]
"""Rows as they are answered in JSON, some at a time."""

_KINDS: tuple[tuple[type[Any], Kind], ...] = (
    (serializers.IntegerField, "integer"),
    (serializers.FloatField, "float"),
    (serializers.DecimalField, "decimal"),
    (serializers.BooleanField, "boolean"),
    (serializers.DateTimeField, "datetime"),
    (serializers.DateField, "date"),
)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: its name, what its cells are, and for decimals how many digits they have."""

    name: str
    kind: Kind
    digits: tuple[int, int] = (38, 9)

    @property
    def is_number(self) -> bool:
        """Tell whether its texts are numbers, which no formula can hide in."""
        return self.kind in ("integer", "float", "decimal")


def columns_of_table(serializer: Any, fields: Iterable[str] | None) -> tuple[TableColumn, ...]:
    """Return the columns that rows of a serializer have, only ``fields`` if they are named."""
    wanted = None if fields is None else frozenset(fields)
    return tuple(
        _column(field)
        for field in serializer._readable_fields
        if wanted is None or field.field_name in wanted
    )


def _column(field: Any) -> TableColumn:
    kind = _kind(field)
    if kind == "decimal" and field.max_digits and field.decimal_places is not None:
        return TableColumn(field.field_name, kind, (field.max_digits, field.decimal_places))
    return TableColumn(field.field_name, kind)


def _kind(field: Any) -> Kind:
    """Return what the field writes; one with a format of its own writes text."""
    for known, kind in _KINDS:
        if type(field) is known and not hasattr(field, "format"):
            return kind
    return "text"


def plain_rows(columns: tuple[TableColumn, ...], chunks: Chunks) -> Iterator[list[Any]]:
    """Yield the cells of each row: None, a truth value, a number, or text; lists and objects as JSON."""
    for chunk in chunks:
        for row in chunk:
            yield [_plain(row.get(column.name)) for column in columns]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Decimal):
        return str(value)
    text = json.dumps(value, cls=JSONEncoder, ensure_ascii=False, separators=(",", ":"))
    # What is text in JSON, such as a key, is that text here.
    return json.loads(text) if text.startswith('"') else text
