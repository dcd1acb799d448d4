"""What is wrong with a filter, and where: the pointer leads into the filter (RFC 6901)."""

from __future__ import annotations

from typing import Any

from smartmodels.rest.faults import Fault, InvalidInputHere, pointer_to

__all__ = ["InvalidFilter", "Place", "Unreadable"]

Place = tuple[Any, ...]
"""Names and indexes that lead from the top of the filter to a part of it."""


class InvalidFilter(InvalidInputHere):
    """The filter cannot be used: unknown names, values of the wrong type, or too much of it."""

    default_code = "invalid-filter"

    def __init__(self, detail: str, place: Place = (), *, code: str = "invalid-filter") -> None:
        super().__init__(Fault(code, detail, pointer=pointer_to(*place)))
        self.default_code = code


class Unreadable(Exception):
    """A value is none of its column; the message says what is expected."""
