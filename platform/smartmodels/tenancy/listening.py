"""A thread that listens for notifications of PostgreSQL and says when it can no longer hear."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, cast

import psycopg
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

__all__ = ["Listener"]

logger = logging.getLogger("smartmodels.tenancy")

_RECONNECT_SECONDS = 2.0
_POLL_SECONDS = 5.0


class Listener:
    """Call ``notified`` on every notification on ``channel``, and whenever hearing begins or ends.

    Starts with the first :meth:`hears` of the process (and again after a fork) in a daemon thread.
    ``generation`` grows with every call, so that a reader can tell whether anything changed meanwhile.
    """

    def __init__(self, channel: str, notified: Callable[[], None], *, using: str = "default") -> None:
        self._channel = channel
        self._notified = notified
        self._using = using
        self._lock = threading.Lock()
        self._process = 0
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._hearing = False
        self.generation = 0

    def hears(self) -> bool:
        """Tell whether notifications arrive now; the first call begins to listen and answers no."""
        if self._process != os.getpid():
            self._start()
        return self._hearing

    def stop(self) -> None:
        """Stop listening and close the connection; a later :meth:`hears` begins anew."""
        thread, self._thread = self._thread, None
        self._stop.set()
        if thread is not None and self._process == os.getpid():
            thread.join(timeout=10)
        self._process = 0

    def _start(self) -> None:
        with self._lock:
            if self._process == os.getpid():
                return
            self._hearing = False
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stop,), name=f"listen-{self._channel}", daemon=True
            )
            self._process = os.getpid()
            self._thread.start()

    def _change(self, hearing: bool) -> None:
        self._hearing = hearing
        self.generation += 1
        self._notified()

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._listen(stop)
            except (psycopg.Error, OSError) as error:
                logger.warning("Routing changes cannot be heard, so hosts are not cached: %s", error)
            finally:
                self._change(hearing=False)
            stop.wait(_RECONNECT_SECONDS)

    def _listen(self, stop: threading.Event) -> None:
        with psycopg.connect(autocommit=True, **self._parameters()) as connection:
            connection.execute(f"LISTEN {self._channel}")
            self._change(hearing=True)
            while not stop.is_set():
                began = time.monotonic()
                for _ in connection.notifies(timeout=0.5, stop_after=1):
                    self._change(hearing=True)
                if time.monotonic() - began > _POLL_SECONDS:
                    connection.execute("SELECT 1")

    def _parameters(self) -> dict[str, Any]:
        parameters = cast(DatabaseWrapper, connections[self._using]).get_connection_params()
        return {
            key: value
            for key, value in parameters.items()
            if key not in ("cursor_factory", "context", "prepare_threshold", "client_encoding", "pool")
        }
