"""Server-sent events: a stream that ends by itself, says that it is alive, and never takes all threads."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DatabaseTrouble
from django.http import StreamingHttpResponse
from rest_framework.renderers import JSONRenderer

from smartmodels.conf import settings
from smartmodels.exceptions import SmartModelsError

__all__ = ["EventRenderer", "StreamsTaken", "event_stream"]

POLL_SECONDS = 0.5
ALIVE_SECONDS = 10.0
_RETRY_MILLISECONDS = 1000

Look = Callable[[], tuple[Any, bool]]
"""Returns what is to be seen now, as JSON, and whether it is the last of it."""

_taken = 0
_lock = threading.Lock()


class StreamsTaken(SmartModelsError):
    """Enough streams of progress are open: try again shortly, or read the job now and then."""

    code = "streams-taken"
    status = 503


class EventRenderer(JSONRenderer):
    """Admits ``Accept: text/event-stream``; an error is JSON there as well."""

    media_type = "text/event-stream"


class _Stream:
    """The chunks of one stream; it holds one of the places until it is closed."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._began = self._said_at = time.monotonic()
        self._said: str | None = None
        self._over = self._closed = False

    def __iter__(self) -> _Stream:
        return self

    def __next__(self) -> bytes:
        while not self._over and time.monotonic() - self._began < settings().JOB_STREAM_SECONDS:
            chunk = self._chunk()
            if chunk is not None:
                self._said_at = time.monotonic()
                return chunk
            time.sleep(POLL_SECONDS)
        raise StopIteration

    def _chunk(self) -> bytes | None:
        try:
            seen, self._over = self._look()
        except DatabaseTrouble:
            self._over = True  # The browser asks again.
            return None
        text = json.dumps(seen, cls=DjangoJSONEncoder)
        if text != self._said or self._over:
            first = f"retry: {_RETRY_MILLISECONDS}\n" if self._said is None else ""
            self._said = text
            return f"{first}event: {'end' if self._over else 'progress'}\ndata: {text}\n\n".encode()
        return b": still here\n\n" if time.monotonic() - self._said_at > ALIVE_SECONDS else None

    def close(self) -> None:
        """Give the place back; called when the response ends, however it ends."""
        if not self._closed:
            self._closed = True
            _give_back()


def _give_back() -> None:
    global _taken  # noqa: PLW0603 - one count per process, under a lock
    with _lock:
        _taken -= 1


def _take() -> None:
    global _taken  # noqa: PLW0603 - one count per process, under a lock
    with _lock:
        if _taken >= settings().JOB_STREAMS:
            raise StreamsTaken(
                "Enough people are watching already: read the job itself now and then instead.",
                retry_after=settings().RETRY_AFTER,
            )
        _taken += 1


def event_stream(look: Look) -> StreamingHttpResponse:
    """Return a response that sends what ``look`` sees whenever it changes, until its last.

    Raises StreamsTaken when the process serves ``SMARTMODELS_JOB_STREAMS`` already. A stream ends after
    ``SMARTMODELS_JOB_STREAM_SECONDS``; browsers open it again by themselves.
    """
    _take()
    response = StreamingHttpResponse(_Stream(look), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response
