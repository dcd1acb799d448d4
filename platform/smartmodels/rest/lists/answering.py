"""A list as it is answered: the rows of one page, where it goes on, and how many there are if asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from rest_framework.utils.urls import remove_query_param, replace_query_param

from smartmodels.conf import settings
from smartmodels.rest.lists.conditions import is_known, keep_private, tag_of
from smartmodels.rest.lists.counting import total_of, wanted_count
from smartmodels.rest.lists.cursors import Binding, Position
from smartmodels.rest.lists.ordering import OrderTerm, with_key
from smartmodels.rest.lists.paging import Page, Window, read_page
from smartmodels.rest.lists.reading import Reading, reading_of

__all__ = ["CURSOR", "Wish", "answer_list", "binding_of", "window_of"]

CURSOR = "cursor"
_NOT_BINDING = frozenset({CURSOR, "limit", "offset", "format"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a list is wanted: its order, how many rows, after how many others, and which fields of them.

    Without a limit a page has ``PAGE_SIZE`` rows, and a file all of them. ``reader`` is called as
    :func:`reading_of` is and says how rows are read.
    """

    terms: tuple[OrderTerm, ...] = ()
    limit: int | None = None
    skip: int = 0
    fields: tuple[str, ...] | None = None
    reader: Callable[..., Reading] = reading_of


def binding_of(view: Any, terms: tuple[OrderTerm, ...]) -> Binding:
    """Return what the cursors of the view's list are good for."""
    given = view.request.query_params.items()
    return Binding(view.model, terms, {name: value for name, value in given if name not in _NOT_BINDING})


def window_of(view: Any, rows: Any, wish: Wish) -> tuple[Window, Binding]:
    """Return which rows are wanted, from the cursor on if one is given; raise InvalidParameter."""
    terms = with_key(rows.model, wish.terms)
    binding = binding_of(view, terms)
    cursor = view.request.query_params.get(CURSOR)
    position = None if cursor is None else binding.read(cursor)
    given = settings()
    limit = given.PAGE_SIZE if wish.limit is None else min(wish.limit, given.PAGE_SIZE_MAX)
    return Window(terms, limit, wish.skip, position), binding


def answer_list(view: Any, rows: Any, wish: Wish) -> HttpResponse:
    """Answer with a page of the queryset ``rows``, or with 304 if the client has it already."""
    request = view.request
    window, binding = window_of(view, rows, wish)
    reading = wish.reader(view, rows.model, window.terms, fields=wish.fields)
    page = read_page(rows, window, reading.read)
    count = wanted_count(request)
    total = None if count is None else total_of(rows, count)
    content = _content(page, reading, _links(request, binding, page), total)
    tag = f'W/"{tag_of(request, content)}"'
    if is_known(request, tag):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(content, content_type="application/json")
    if count is not None:
        response["Preference-Applied"] = f"count={count}"
    return keep_private(response, tag)


def _links(request: Any, binding: Binding, page: Page) -> Iterable[tuple[str, str | None]]:
    here = remove_query_param(request.build_absolute_uri(), "offset")
    for name, position in (("next", page.next), ("previous", page.previous)):
        yield name, None if position is None else _link(here, binding, position)


def _link(here: str, binding: Binding, position: Position) -> str:
    return str(replace_query_param(here, CURSOR, binding.sign(position)))


def _content(
    page: Page, reading: Reading, links: Iterable[tuple[str, str | None]], total: int | None
) -> bytes:
    counted = "" if total is None else f'"count":{total},'
    linked = ",".join(f'"{name}":{json.dumps(link)}' for name, link in links)
    return f'{{{counted}{linked},"results":[{reading.as_json(page.rows)}]}}'.encode()
