"""A whole list as a file: the same rows as its pages, read by keyset chunks, so that memory is bounded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, Any

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.module_loading import import_string

from smartmodels.rest.filtering import InvalidFilter, Selection
from smartmodels.rest.lists.answering import window_of
from smartmodels.rest.lists.conditions import keep_private
from smartmodels.rest.lists.paging import walk
from smartmodels.rest.lists.reading import Reading
from smartmodels.rest.renderers.errors import FormatUnavailable
from smartmodels.rest.renderers.lines import csv_lines, ndjson_lines
from smartmodels.rest.renderers.tables import columns_of_table

__all__ = ["export_list"]

_AT_ONCE = 1_000
_BLOCK = 64 * 1024
_FILES = {
    "xlsx": "smartmodels.rest.renderers.xlsx.write",
    "parquet": "smartmodels.rest.renderers.parquet.write",
}


def export_list(view: Any, rows: Any, selection: Selection) -> HttpResponseBase:
    """Answer with all rows of the queryset, or ``filter.limit`` of them, in the form that was negotiated.

    Lines stream while rows are read; a file that is written as a whole waits on the disk until it is sent.
    Raises FormatUnavailable, ExportTooLarge, and InvalidFilter for what is included where lines are flat.
    """
    form, kind = view.request.accepted_renderer.format, view.request.accepted_renderer.media_type
    if selection.includes and form != "ndjson":
        raise InvalidFilter(f"{form} has no place for what is included: ask for json or ndjson", ("include",))
    response: HttpResponseBase
    if view.request.method == "HEAD":
        response = HttpResponse(content_type=kind)
    else:
        content = (
            _lines(view, rows, selection, form) if form not in _FILES else _file(view, rows, selection, form)
        )
        response = StreamingHttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{view.basename}.{form}"'
    return keep_private(response)


def _lines(view: Any, rows: Any, selection: Selection, form: str) -> Iterator[bytes]:
    reading, chunks = _read(view, rows, selection, written=form == "ndjson")
    if form == "ndjson":
        return ndjson_lines(reading.as_lines(chunk) for chunk in chunks)
    return csv_lines(columns_of_table(view.get_serializer(), selection.fields), chunks)


def _file(view: Any, rows: Any, selection: Selection, form: str) -> Iterator[bytes]:
    write = _writer(form)
    _, chunks = _read(view, rows, selection, written=False)
    columns = columns_of_table(view.get_serializer(), selection.fields)
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(TemporaryFile())
        write(columns, chunks, file)
        file.seek(0)
        stack.pop_all()
    return _File(file)


class _File:
    """The blocks of a file, which is closed, and so gone, when all are sent or the response ends."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._file.closed and (block := self._file.read(_BLOCK)):
            return block
        self.close()
        raise StopIteration


def _writer(form: str) -> Callable[..., None]:
    try:
        write: Callable[..., None] = import_string(_FILES[form])
    except ImportError as error:
        raise FormatUnavailable(
            f"This server cannot write {form}, for which a package is missing: ask for ndjson or csv, or "
            "have pip install 'django-smartmodels[reports]' run on it."
        ) from error
    return write


def _read(
    view: Any, rows: Any, selection: Selection, *, written: bool
) -> tuple[Reading, Iterable[list[Any]]]:
    """Return how rows are read, and all in chunks; the first is read now, while errors can be told."""
    window, _ = window_of(view, selection)
    window = replace(window, limit=sys.maxsize if selection.limit is None else selection.limit)
    reading = view.reading(rows, selection, written=written)
    chunks = walk(rows, window, reading.read, at_once=_AT_ONCE)
    first = next(chunks, None)
    return reading, () if first is None else chain([first], chunks)
