"""What can be done in the background: functions with a name, found in every app's ``tasks`` module."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from croniter import croniter
from django.core.exceptions import ImproperlyConfigured

from smartmodels.jobs.errors import JobUnknown
from smartmodels.jobs.queueing import enqueue

__all__ = ["DEFAULT_QUEUE", "Job", "declared", "find_job", "job"]

DEFAULT_QUEUE = "default"
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", re.ASCII)
_QUEUE = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)

_jobs: dict[str, Job] = {}


@dataclass(frozen=True, slots=True)
class Job:
    """A function that a worker can call. Called directly, it is the function."""

    name: str
    function: Callable[..., Any]
    queue: str
    atomic: bool
    retries: int
    wait: float
    timeout: float
    every: str | None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def enqueue(self, *, key: str | None = None, delay: float = 0, **arguments: Any) -> Any:
        """Put the job into the queue: see :func:`smartmodels.jobs.enqueue`."""
        return enqueue(self.name, self.queue, arguments, key=key, delay=delay)


def job(  # noqa: PLR0913 - every argument but the name is optional and named
    name: str,
    *,
    queue: str = DEFAULT_QUEUE,
    atomic: bool = True,
    retries: int = 0,
    wait: float = 10.0,
    timeout: float = 600.0,
    every: str | None = None,
) -> Callable[[Callable[..., Any]], Job]:
    """Declare a function as a job called ``name`` (``app.verb``); its arguments and result are JSON.

    An ``atomic`` job's changes are committed once, together with the fact that it is done, however often
    workers die over it. One that is not (it works in steps, or outside of the database) may be called
    again after a death, so a second call must do no harm.

    ``retries`` is how often a job that failed is tried again, after ``wait`` seconds, then twice as many,
    and so on. ``timeout`` is in seconds; it ends the job at its next statement or :func:`progress`.
    ``every`` makes the job periodic: a cron line (a sixth field counts seconds), in UTC, once each time
    however many workers run, in no namespace and without arguments.

    Raises ImproperlyConfigured for a name that is malformed or taken and for a bad cron line.
    """
    if not _NAME.fullmatch(name) or not _QUEUE.fullmatch(queue):
        raise ImproperlyConfigured(f"Job {name!r}, queue {queue!r}: name them like 'app.verb' and 'default'.")
    if every is not None and not croniter.is_valid(every):
        raise ImproperlyConfigured(f"Job {name!r}: {every!r} is no cron line, such as '*/5 * * * *'.")

    def declare(function: Callable[..., Any]) -> Job:
        """Take the function up under its name."""
        taken = _jobs.get(name)
        if taken is not None and taken.function.__qualname__ != function.__qualname__:
            raise ImproperlyConfigured(f"Two jobs are called {name!r}: give one of them another name.")
        made = Job(name, function, queue, atomic, retries, wait, timeout, every)
        _jobs[name] = made
        return made

    return declare


def declared() -> Mapping[str, Job]:
    """Return all jobs by name."""
    return MappingProxyType(_jobs)


def find_job(name: str) -> Job:
    """Return the job of this name; raise JobUnknown."""
    if name not in _jobs:
        raise JobUnknown(f"No job is called {name!r}: its app may have been removed.", name=name)
    return _jobs[name]
