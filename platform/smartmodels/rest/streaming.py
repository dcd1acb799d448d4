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

from smartmodels.conf import settings
from smartmodels.exceptions import SmartModelsError
from smartmodels.rest.encoding import JSONRenderer

__all__ = ["Chunk", "EventRenderer", "StreamsTaken", "event_stream", "stream"]

POLL_SECONDS = 0.5
ALIVE_SECONDS = 10.0
_RETRY_MILLISECONDS = 1000

Look = Callable[[], tuple[Any, bool]]
"""Returns what is to be seen now, as JSON, and whether it is the last of it."""

Chunk = tuple[bytes | None, bool]
"""Events as they are sent, None while there are none, and whether these are the last."""

_taken = 0
_lock = threading.Lock()


class StreamsTaken(SmartModelsError):
    """Enough streams are open: try again shortly, or read what they tell now and then."""

    code = "streams-taken"
    status = 503


class EventRenderer(JSONRenderer):
    """Admits ``Accept: text/event-stream``; an error is JSON there as well."""

    media_type = "text/event-stream"


class _Stream:
    """The chunks of one stream; it holds one of the places until it is closed."""

    def __init__(self, chunk: Callable[[], Chunk]) -> None:
        self._chunk = chunk
        self._began = self._said_at = time.monotonic()
        self._over = self._closed = False
        self._hint = f"retry: {_RETRY_MILLISECONDS}\n".encode()

    def __iter__(self) -> _Stream:
        return self

    def __next__(self) -> bytes:
        while not self._over and time.monotonic() - self._began < settings().JOB_STREAM_SECONDS:
            said = self._next()
            if said is not None:
                self._said_at = time.monotonic()
                hint, self._hint = self._hint, b""
                return hint + said
            time.sleep(POLL_SECONDS)
        raise StopIteration

    def _next(self) -> bytes | None:
        try:
            said, self._over = self._chunk()
        except DatabaseTrouble:
            self._over = True  # The browser asks again.
            return None
        if said is None and time.monotonic() - self._said_at > ALIVE_SECONDS:
            return b": still here\n\n"
        return said

    def close(self) -> None:
        """Give the place back; called when the response ends, however it ends."""
        if not self._closed:
            self._closed = True
            _give_back()


class _Progress:
    """Events `progress` whenever something looks different, and `end` with the last of it."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._said: str | None = None

    def __call__(self) -> Chunk:
        seen, over = self._look()
        text = json.dumps(seen, cls=DjangoJSONEncoder)
        if text == self._said and not over:
            return None, False
        self._said = text
        return f"event: {'end' if over else 'progress'}\ndata: {text}\n\n".encode(), over


def _give_back() -> None:
    global _taken  # noqa: PLW0603 - one count per process, under a lock
    with _lock:
        _taken -= 1


def _take() -> None:
    global _taken  # noqa: PLW0603 - one count per process, under a lock
    with _lock:
        if _taken >= settings().JOB_STREAMS:
            raise StreamsTaken(
                "Enough streams are open already: read what this one tells now and then instead.",
                retry_after=settings().RETRY_AFTER,
            )
        _taken += 1


def stream(chunk: Callable[[], Chunk]) -> StreamingHttpResponse:
    """Return a response that sends what ``chunk`` returns, until it says that this is the last.

    Raises StreamsTaken when the process serves ``SMARTMODELS_JOB_STREAMS`` already. A stream ends after
    ``SMARTMODELS_JOB_STREAM_SECONDS``; browsers open it again by themselves.
    """
    _take()
    response = StreamingHttpResponse(_Stream(chunk), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def event_stream(look: Look) -> StreamingHttpResponse:
    """Return a :func:`stream` of what ``look`` sees whenever it changes, until its last."""
    return stream(_Progress(look))
