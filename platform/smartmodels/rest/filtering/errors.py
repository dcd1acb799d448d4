"""What is wrong with a filter, and where: the pointer leads into the filter (RFC 6901)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smartmodels.rest.faults import Fault, InvalidInputHere, pointer_to

__all__ = ["InvalidFilter", "Place", "Unreadable", "unknown"]

Place = tuple[Any, ...]
"""Names and indexes that lead from the top of the filter to a part of it."""


class InvalidFilter(InvalidInputHere):
    """The filter cannot be used: unknown names, values of the wrong type, or too much of it."""

    default_code = "invalid-filter"

    def __init__(
        self, detail: str, place: Place = (), *, code: str = "invalid-filter", known: Iterable[str] = ()
    ) -> None:
        super().__init__(Fault(code, detail, pointer=pointer_to(*place), known=tuple(sorted(known))))
        self.default_code = code


def unknown(kind: str, name: str, place: Place, known: Iterable[str]) -> InvalidFilter:
    """Return the error of a name that is none of those that the endpoint shows, which it lists."""
    return InvalidFilter(f"unknown {kind} {name[:100]!r}", place, code="unknown-property", known=known)


class Unreadable(Exception):
    """A value is none of its column; the message says what is expected."""
