"""How far the running job is, said by the job; and whether it should go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from smartmodels.jobs.errors import JobTimeout

__all__ = ["Cancelled", "HandedBack", "Publish", "Run", "Stopping", "current_run", "progress"]

Publish = Callable[[int, int, int, "int | None", str], None]
"""Called with the job's number, the attempt's, done, total and message; what it writes is visible at once."""

_EVERY_SECONDS = 0.25


class Cancelled(BaseException):
    """Somebody cancelled the job while it ran."""


class HandedBack(BaseException):
    """The worker is stopping: another one does the job."""


class Stopping(Enum):
    """Why a running job should stop."""

    NO = "no"
    CANCELLED = "cancelled"
    SHUTDOWN = "shutdown"


@dataclass(slots=True)
class Run:
    """One attempt at a job."""

    number: int
    attempt: int
    deadline: float
    publish: Publish
    stopping: Callable[[], Stopping]
    said_at: float = field(default=0.0)

    def check(self) -> None:
        """Raise Cancelled, HandedBack or JobTimeout when the job should not go on."""
        reason = self.stopping()
        if reason is Stopping.CANCELLED:
            raise Cancelled
        if reason is Stopping.SHUTDOWN:
            raise HandedBack
        if time.monotonic() > self.deadline:
            raise JobTimeout("The job took longer than its timeout allows: do it in smaller parts.")

    def say(self, done: int, total: int | None, message: str) -> None:
        """Publish how far the job is, a few times a second at most."""
        now = time.monotonic()
        if now - self.said_at >= _EVERY_SECONDS or (total is not None and done >= total):
            self.said_at = now
            self.publish(self.number, self.attempt, done, total, message)


current_run: ContextVar[Run | None] = ContextVar("smartmodels_run", default=None)


def progress(done: int, total: int | None = None, message: str = "") -> None:
    """Say how far the running job is: people see it at once, also while nothing is committed.

    A good place to call it is each turn of a loop: there a job that was cancelled, timed out, or whose
    worker is stopping, ends. Outside of a job it does nothing.
    """
    run: Any = current_run.get()
    if run is not None:
        run.check()
        run.say(done, total, message)
