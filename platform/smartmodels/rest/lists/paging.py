"""One page of a list: read from its beginning, from a distance, or from a position on, either way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from smartmodels.rest.filtering import OrderTerm
from smartmodels.rest.lists.cursors import Position
from smartmodels.rest.lists.keyset import stretches
from smartmodels.rest.lists.listing import Listing
from smartmodels.rest.lists.ordering import in_order, turned_round

__all__ = ["Found", "Page", "Window", "found_in", "read_page", "walk"]


@dataclass(frozen=True, slots=True)
class Found:
    """A row in the form it is answered in, and the values by which it stands where it stands."""

    row: Any
    key: tuple[str | None, ...]


Read = Callable[[Any], list[Found]]
"""Evaluates a queryset."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of a list are wanted; ``skip`` counts from its beginning and not from a position."""

    terms: tuple[OrderTerm, ...]
    limit: int
    skip: int = 0
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in their order, and the positions from which to read on and back; None where nothing is."""

    rows: list[Any]
    next: Position | None
    previous: Position | None


def read_page(rows: Any, window: Window, read: Read) -> Page:
    """Return the page of the queryset or listing ``rows``: in one statement, or two where its nulls begin."""
    found = found_in(rows, window, window.limit + 1, read)
    more, found = len(found) > window.limit, found[: window.limit]
    position = window.position
    backwards = position is not None and position.backwards
    if backwards:
        found.reverse()
    before, after = _around(found, window)
    if not backwards:
        after = after if more else None
    elif not more:
        before = None
    return Page([each.row for each in found], after, before)


def _around(found: list[Found], window: Window) -> tuple[Position | None, Position | None]:
    """Return the positions before and after the rows, as if there were any rows there."""
    position = window.position
    if not found:
        # What was here is gone: the way back begins with the position itself.
        here = None if position is None else Position(position.values, inclusive=not position.inclusive)
        back = None if here is None else Position(here.values, backwards=True, inclusive=here.inclusive)
        return back, here
    begins = position is None and window.skip == 0
    before = None if begins else Position(found[0].key, backwards=True)
    return before, Position(found[-1].key)


def found_in(rows: Any, window: Window, wanted: int, read: Read) -> list[Found]:
    """Return the first ``wanted`` rows of the window; backwards where its position says so."""
    if isinstance(rows, Listing):
        found: list[Found] = rows.find(window, wanted, read)
        return found
    position = window.position
    if position is None:
        return read(in_order(rows, window.terms)[window.skip : window.skip + wanted])
    terms = turned_round(window.terms) if position.backwards else window.terms
    found = []
    for condition in stretches(rows.model, terms, position.values, inclusive=position.inclusive):
        found += read(in_order(rows.filter(condition), terms)[: wanted - len(found)])
        if len(found) == wanted:
            break
    return found


def walk(rows: Any, window: Window, read: Read, *, at_once: int) -> Iterator[list[Any]]:
    """Yield all rows of the window, ``at_once`` at a time, in statements of their own.

    Nothing is held in between: no transaction, no cursor of the server. A row that is there all the time
    comes once, whatever else is inserted and deleted.
    """
    left, skip, position = window.limit, window.skip, window.position
    while left > 0:
        page = read_page(rows, Window(window.terms, min(left, at_once), skip, position), read)
        if page.rows:
            yield page.rows
        if page.next is None:
            return
        left, skip, position = left - len(page.rows), 0, page.next
