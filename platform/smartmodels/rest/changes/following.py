"""The change feed as server-sent events, each with the cursor to come back to."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from smartmodels.context import require_namespace
from smartmodels.history import ChangesGone, Place, is_behind
from smartmodels.rest.changes.admitting import is_still_admitted
from smartmodels.rest.changes.cursors import cursor_of
from smartmodels.rest.changes.exposing import Exposure
from smartmodels.rest.changes.reading import read_changes
from smartmodels.rest.streaming import Chunk

__all__ = ["Following"]


class Following:
    """Looks for what is new whenever it is called, until whoever listens is not admitted any more."""

    def __init__(self, request: Any, exposure: Exposure, place: Place, limit: int) -> None:
        self._request, self._exposure = request, exposure
        self._place, self._limit = place, limit

    def __call__(self) -> Chunk:
        """Return the next events, if there are any, and whether these are the last."""
        if not is_still_admitted(self._request):
            return _event("end", {"reason": "You are not admitted to this namespace any more."}), True
        if not is_behind(self._place):
            return None, False
        try:
            page = read_changes(self._place, self._exposure, self._limit)
        except ChangesGone as gone:
            return _event("gone", {"reason": gone.message}), True
        if page.place == self._place:
            return None, False
        self._place = page.place
        namespace = require_namespace()
        events = [_event("change", entry, cursor_of(place, namespace)) for place, entry in page.entries]
        # An id alone is kept by the browser, and tells it of nothing: what was left out is not read again.
        return b"".join([*events, f"id: {cursor_of(page.place, namespace)}\n\n".encode()]), False


def _event(name: str, data: Any, cursor: str | None = None) -> bytes:
    text = json.dumps(data, cls=DjangoJSONEncoder)
    place = "" if cursor is None else f"id: {cursor}\n"
    return f"{place}event: {name}\ndata: {text}\n\n".encode()
