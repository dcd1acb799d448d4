"""Workbooks. The only module of this room that knows xlsxwriter."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import IO, Any

import xlsxwriter

from smartmodels.querysets.cells import guarded
from smartmodels.rest.renderers.errors import ExportTooLarge
from smartmodels.rest.renderers.tables import Chunks, TableColumn, plain_rows

__all__ = ["write"]

_ROWS, _TEXT, _DIGITS = 1_048_576, 32_767, 15  # what a sheet, a cell and a number there hold
_OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def write(columns: tuple[TableColumn, ...], chunks: Chunks, file: IO[bytes]) -> None:
    """Write a workbook of one sheet, row by row; raise ExportTooLarge for what it cannot hold."""
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            sheet.write_string(0, place, guarded(column.name))
        for number, row in enumerate(plain_rows(columns, chunks), 1):
            if number >= _ROWS:
                raise ExportTooLarge(f"A sheet holds {_ROWS - 1} rows: filter them, or ask for CSV.")
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                text = value if column.is_number else guarded(value)
                _write_cell(sheet, number, place, _typed(column, text))


def _typed(column: TableColumn, value: Any) -> Any:
    """Return the value, a number where the sheet holds it exactly and else its text."""
    if value is None or isinstance(value, bool) or not column.is_number:
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    number = Decimal(value)
    return number if number.is_finite() and len(number.as_tuple().digits) <= _DIGITS else str(value)


def _write_cell(sheet: Any, row: int, place: int, value: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, (float, int, Decimal)):
        sheet.write_number(row, place, float(value))
    elif value:
        if len(value) > _TEXT:
            raise ExportTooLarge(f"A cell holds {_TEXT} characters, a text here has more: ask for CSV.")
        sheet.write_string(row, place, value)
