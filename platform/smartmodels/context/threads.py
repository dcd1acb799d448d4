"""Threads that carry the namespace and the operation of whoever starts them, because they say so.

A plain thread starts with nothing bound, and so may use no tenant model; that is the safe default, since
the workers of a pool outlive the request that started them. See docs/decisions/0009.
"""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import wraps
from inspect import iscoroutinefunction
from typing import ParamSpec, TypeVar

__all__ = ["Thread", "ThreadPoolExecutor", "carrying"]

P = ParamSpec("P")
T = TypeVar("T")


def carrying(function: Callable[P, T]) -> Callable[P, T]:
    """Return ``function``, to be called wherever, with what is bound right here.

    Every call has a copy of its own, so what one binds is seen by no other. Raises TypeError for a
    coroutine function: tasks carry already.
    """
    if iscoroutinefunction(function):
        raise TypeError(
            "Tasks carry the namespace and the operation already: create one where they are bound."
        )
    bound = copy_context()

    @wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        return bound.copy().run(function, *args, **kwargs)

    return carried


class Thread(threading.Thread):
    """``threading.Thread`` that runs in a copy of the context in which ``start()`` is called."""

    _bound: Context | None = None

    def start(self) -> None:
        """Start the thread, with what is bound right here."""
        if self._bound is None:
            self._bound, run = copy_context(), self.run
            self.run = self._carried(self._bound, run)  # type: ignore[method-assign]
        super().start()

    @staticmethod
    def _carried(bound: Context, run: Callable[[], None]) -> Callable[[], None]:
        return lambda: bound.run(run)


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """``concurrent.futures.ThreadPoolExecutor`` whose every call runs in a copy of the submitter's context.

    Nothing that was bound stays behind in a worker.
    """

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> concurrent.futures.Future[T]:
        """Run ``fn`` in a worker, with what is bound right here; ``map`` does the same for each call."""
        return super().submit(carrying(fn), *args, **kwargs)
