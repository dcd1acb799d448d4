"""Parquet. The only module of this room that knows pyarrow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import pyarrow as pa
from pyarrow import parquet

from smartmodels.rest.renderers.tables import Chunks, TableColumn, plain_rows

__all__ = ["write"]

_TYPES: dict[str, Any] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", tz="UTC"),
}
_READ: dict[str, Callable[[Any], Any]] = {
    "text": str,
    "decimal": lambda value: Decimal(str(value)),
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
}


def write(columns: tuple[TableColumn, ...], chunks: Chunks, file: IO[bytes]) -> None:
    """Write a table, one row group per chunk; decimals keep their digits and moments are in UTC."""
    schema = pa.schema([(column.name, _type(column)) for column in columns])
    with parquet.ParquetWriter(file, schema) as writer:
        for chunk in chunks:
            values = list(zip(*plain_rows(columns, [chunk]), strict=True)) or [()] * len(columns)
            arrays = [_array(column, each) for column, each in zip(columns, values, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _type(column: TableColumn) -> Any:
    return pa.decimal128(*column.digits) if column.kind == "decimal" else _TYPES[column.kind]


def _array(column: TableColumn, values: Any) -> Any:
    read = _READ.get(column.kind)
    told = values if read is None else [None if value is None else read(value) for value in values]
    return pa.array(told, type=_type(column))
