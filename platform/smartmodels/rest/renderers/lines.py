"""Forms that are lines of text: NDJSON and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

from smartmodels.querysets.cells import guarded
from smartmodels.rest.renderers.tables import Chunks, TableColumn, plain_rows

__all__ = ["csv_lines", "ndjson_lines"]


def ndjson_lines(chunks: Iterable[str]) -> Iterator[bytes]:
    """Yield lines of JSON objects, of chunks that hold one object per line already."""
    for chunk in chunks:
        yield f"{chunk}\n".encode()


def csv_lines(columns: tuple[TableColumn, ...], chunks: Chunks) -> Iterator[bytes]:
    """Yield CSV as RFC 4180 has it, some rows at a time; no cell is a formula."""
    yield _written([[guarded(column.name) for column in columns]])
    for chunk in chunks:
        yield _written(
            [_cell(column, value) for column, value in zip(columns, row, strict=True)]
            for row in plain_rows(columns, [chunk])
        )


def _written(rows: Iterable[list[Any]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cell(column: TableColumn, value: Any) -> Any:
    if isinstance(value, bool):
        return json.dumps(value)
    return value if column.is_number else guarded(value)
