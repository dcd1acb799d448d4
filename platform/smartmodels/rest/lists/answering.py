"""A list as it is answered: the rows of one page, where it goes on, and how many there are if asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse

from smartmodels.conf import settings
from smartmodels.rest.filtering import Selection
from smartmodels.rest.lists.conditions import is_known, keep_private, tag_of
from smartmodels.rest.lists.counting import total_of, wanted_count
from smartmodels.rest.lists.cursors import Binding
from smartmodels.rest.lists.paging import Page, Window, read_page
from smartmodels.rest.lists.reading import Reading

__all__ = ["CURSOR", "answer_list", "binding_of", "window_of"]

CURSOR = "cursor"
_FILTER = "filter"
_NOT_BINDING = frozenset({CURSOR, "format"})
_PLACES = frozenset({"skip", "offset"})


def _beside_filter(view: Any) -> Iterator[tuple[str, str]]:
    given = view.request.query_params.items()
    return ((name, value) for name, value in given if name.partition("[")[0] != _FILTER)


def binding_of(view: Any, selection: Selection) -> Binding:
    """Return what the cursors of the view's list are good for, however large its pages are."""
    asked = {name: value for name, value in _beside_filter(view) if name not in _NOT_BINDING}
    asked["where"] = json.dumps((selection.given or {}).get("where") or {}, sort_keys=True)
    return Binding(view.model, selection.order, asked)


def window_of(view: Any, selection: Selection) -> tuple[Window, Binding]:
    """Return which rows are wanted, from the cursor on if one is given; raise InvalidParameter."""
    binding = binding_of(view, selection)
    cursor = view.request.query_params.get(CURSOR)
    position = None if cursor is None else binding.read(cursor)
    given = settings()
    limit = min(selection.limit or given.PAGE_SIZE, given.PAGE_SIZE_MAX)
    return Window(selection.order, limit, selection.skip, position), binding


def answer_list(view: Any, rows: Any, selection: Selection) -> HttpResponse:
    """Answer with a page of the queryset ``rows``, or with 304 if the client has it already.

    Without a limit a page has ``PAGE_SIZE`` rows.
    """
    request = view.request
    window, binding = window_of(view, selection)
    reading = view.reading(rows, selection)
    page = read_page(rows, window, reading.read)
    count = wanted_count(request)
    total = None if count is None else total_of(rows, count)
    content = _content(page, reading, _links(view, selection, binding, page), total)
    tag = f'W/"{tag_of(request, content)}"'
    if is_known(request, tag):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(content, content_type="application/json")
    if count is not None:
        response["Preference-Applied"] = f"count={count}"
    return keep_private(response, tag)


def _links(view: Any, selection: Selection, binding: Binding, page: Page) -> Iterable[tuple[str, str | None]]:
    """Yield (name, address): the same filter as JSON, with a cursor instead of a number of rows to skip."""
    kept = [pair for pair in _beside_filter(view) if pair[0] != CURSOR]
    whole = {name: part for name, part in (selection.given or {}).items() if name not in _PLACES}
    if whole:
        kept.append((_FILTER, json.dumps(whole, separators=(",", ":"))))
    for name, position in (("next", page.next), ("previous", page.previous)):
        yield name, None if position is None else _link(view, kept, binding.sign(position))


def _link(view: Any, kept: list[tuple[str, str]], cursor: str) -> str:
    return f"{view.reverse_action('list')}?{urlencode([*kept, (CURSOR, cursor)])}"


def _content(
    page: Page, reading: Reading, links: Iterable[tuple[str, str | None]], total: int | None
) -> bytes:
    counted = "" if total is None else f'"count":{total},'
    linked = ",".join(f'"{name}":{json.dumps(link)}' for name, link in links)
    return f'{{{counted}{linked},"results":[{reading.as_json(page.rows)}]}}'.encode()
