"""Rows as a pandas frame: COPY on Django's own connection, read by Arrow.

Decimals stay exact, times keep their zone, integers and booleans stay what they are where values are
missing. Types that Arrow does not know, and fields that convert their values, go through psycopg's loaders
and Django's converters, one value at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pandas as pd
import pyarrow as pa
from django.db import connections, models
from django.db.models.expressions import BaseExpression
from psycopg import ClientCursor
from psycopg.adapt import Transformer
from psycopg.pq import Format
from pyarrow import csv

from smartmodels.reports.statements import Statement

__all__ = ["Column", "Layout", "as_frame", "copy_rows", "describe"]

_ARROW_TYPES = {
    16: pa.bool_(), 20: pa.int64(), 21: pa.int64(), 23: pa.int64(), 25: pa.string(), 700: pa.float64(),
    701: pa.float64(), 1042: pa.string(), 1043: pa.string(), 1082: pa.date32(), 1114: pa.timestamp("us"),
    1184: pa.timestamp("us", tz="UTC"),
}  # fmt: skip
"""Arrow's type for PostgreSQL's type number (``pg_type.oid``)."""

_INTEGERS, _FLOATS, _NUMERIC = (20, 21, 23), (700, 701), 1700
_DIGITS_MAX = 38
_PANDAS_TYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


@dataclass(frozen=True, slots=True)
class Column:
    """A column to read; ``arrow`` is None where values are converted one by one."""

    name: str
    arrow: Any
    type_code: int
    expression: Any


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a statement's rows; ``surplus`` more follow, which ordering added and nobody wants."""

    columns: tuple[Column, ...]
    surplus: int

    @property
    def schema(self) -> Any:
        """Return Arrow's schema; columns go by number, since two may have one name."""
        return pa.schema(
            [(str(number), column.arrow or pa.string()) for number, column in enumerate(self.columns)]
        )


def _converts(expression: Any) -> bool:
    """Tell whether the expression makes something of its values that the database does not know, as Trunc."""
    own = getattr(type(expression), "convert_value", None)
    return own not in (None, BaseExpression.__dict__["convert_value"])


def _arrow_type(described: Any, expression: Any) -> Any:
    """Return Arrow's type of a column, or None where Arrow cannot give the values the ORM would give."""
    code: int = described.type_code
    field = None if expression is None else expression.output_field
    if hasattr(field, "from_db_value") or _converts(expression):
        return None
    if isinstance(field, models.FloatField):
        return pa.float64() if code in (*_INTEGERS, *_FLOATS, _NUMERIC) else None
    if isinstance(field, models.IntegerField):
        return pa.int64() if code in (*_INTEGERS, _NUMERIC) else None
    if code == _NUMERIC:
        digits, places = described.precision, described.scale
        known = digits is not None and places is not None and 0 <= places <= digits <= _DIGITS_MAX
        return pa.decimal128(digits, places) if known else None
    return _ARROW_TYPES.get(code)


def describe(statement: Statement, cursor: Any) -> Layout:
    """Ask the server for the types of the statement's columns; no row is read."""
    cursor.execute(f"SELECT * FROM ({statement.sql}) described LIMIT 0", statement.params)  # noqa: S608
    columns = tuple(
        Column(name, _arrow_type(described, expression), described.type_code, expression)
        for name, expression, described in zip(
            statement.names, statement.expressions, cursor.description, strict=False
        )
    )
    return Layout(columns, surplus=len(cursor.description) - len(columns))


def copy_rows(statement: Statement, layout: Layout, cursor: Any) -> Any:
    """Run the statement; return its rows as an Arrow table, as text where values are converted later."""
    wrapper = connections[statement.using]
    bound = ClientCursor(wrapper.connection).mogrify(statement.sql, statement.params)
    with wrapper.wrap_database_errors, cursor.cursor.copy(f"COPY ({bound}) TO STDOUT (FORMAT csv)") as copy:
        content = b"".join(copy)
    if not content:
        return layout.schema.empty_table()
    try:
        return _parse(content, layout, layout.schema, block_size=1 << 20)
    except pa.ArrowInvalid:
        # A value longer than a block, or one that PostgreSQL knows and Arrow does not, such as NaN.
        texts = pa.schema([(name, pa.string()) for name in layout.schema.names])
        return _parse(content, layout, texts, block_size=len(content) + 1)


def _parse(content: bytes, layout: Layout, schema: Any, *, block_size: int) -> Any:
    surplus = [f"surplus {number}" for number in range(layout.surplus)]
    return csv.read_csv(
        BytesIO(content),
        read_options=csv.ReadOptions(column_names=[*schema.names, *surplus], block_size=block_size),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=schema,
            include_columns=schema.names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )


def as_frame(layout: Layout, tables: Sequence[Any], *, using: str) -> Any:
    """Return the rows of all tables as one DataFrame, with the statement's column names."""
    series = []
    for number, column in enumerate(layout.columns):
        chunks = [table.column(number) for table in tables]
        series.append(_series(column, chunks, using))
    frame = pd.concat(series, axis="columns", keys=range(len(series))) if series else pd.DataFrame()
    frame.columns = pd.Index([column.name for column in layout.columns])
    return frame


def _series(column: Column, chunks: list[Any], using: str) -> Any:
    if column.arrow is not None:
        try:
            values = [chunk.cast(column.arrow) for chunk in chunks]
            whole = pa.chunked_array(values, type=column.arrow)
            return whole.to_pandas(types_mapper=_PANDAS_TYPES.get)
        except pa.ArrowInvalid:
            pass
    load = _loader(column, using)
    values = [load(text) for chunk in chunks for text in chunk.to_pylist()]
    field = None if column.expression is None else column.expression.output_field
    in_time = isinstance(field, (models.DateTimeField, models.DurationField))
    return pd.Series(values, dtype=None if in_time and values else object)


def _loader(column: Column, using: str) -> Callable[[str | None], Any]:
    """Return what turns a value's text into what the ORM gives: psycopg's loader, Django's converters."""
    wrapper = connections[using]
    load = Transformer.from_context(wrapper.connection).get_loader(column.type_code, Format.TEXT).load
    converters = []
    if column.expression is not None:
        converters = [
            *wrapper.ops.get_db_converters(column.expression),
            *column.expression.get_db_converters(wrapper),
        ]

    def value_of(text: str | None) -> Any:
        value = None if text is None else load(text.encode())
        for convert in converters:
            value = convert(value, column.expression, wrapper)
        return value

    return value_of
