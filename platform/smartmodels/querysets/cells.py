"""Cells of tables that people open in a spreadsheet."""

from __future__ import annotations

from typing import Any

__all__ = ["guarded"]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Also the full-width forms, which spreadsheets of East Asian locales take for the plain ones."""


def guarded(value: Any) -> Any:
    """Return the value so that no spreadsheet takes a text for a formula: with an apostrophe ahead."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
