"""Generators that run inside a manager, while whoever reads them stays outside of it.

A ContextVar set in a generator is seen by its caller between two rows, so a block around the whole body
would leak; instead every step has a block of its own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from functools import wraps
from typing import Any

__all__ = ["async_steps", "steps"]

Begin = Callable[[], Callable[[], Any]]


def steps(function: Callable[..., Generator[Any, Any, Any]], begin: Begin) -> Callable[..., Iterator[Any]]:
    """Return the generator function, each step of which runs in a fresh block of ``begin()``."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        """Pass on what goes in and out, errors and the end included; the block is left at each yield."""
        scope, inner = begin(), function(*args, **kwargs)

        def step(go_on: Callable[..., Any], *given: Any) -> Any:
            with scope():
                return go_on(*given)

        try:
            value = step(next, inner)
            while True:
                try:
                    given = yield value
                except GeneratorExit:
                    step(inner.close)
                    raise
                except BaseException as error:  # noqa: BLE001 - it is the generator's to handle
                    value = step(inner.throw, error)
                else:
                    value = step(inner.send, given)
        except StopIteration as end:
            return end.value

    return run


def async_steps(
    function: Callable[..., AsyncGenerator[Any, Any]], begin: Begin
) -> Callable[..., AsyncIterator[Any]]:
    """Return the asynchronous generator function, each step of which runs in a block of ``begin()``."""

    @wraps(function)
    async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        """Pass on what goes in and out, errors and the end included; the block is left at each yield."""
        scope, inner = begin(), function(*args, **kwargs)

        async def step(go_on: Callable[..., Any], *given: Any) -> Any:
            async with scope():
                return await go_on(*given)

        try:
            value = await step(inner.asend, None)
            while True:
                try:
                    given = yield value
                except GeneratorExit:
                    await step(inner.aclose)
                    raise
                except BaseException as error:  # noqa: BLE001 - it is the generator's to handle
                    value = await step(inner.athrow, error)
                else:
                    value = await step(inner.asend, given)
        except StopAsyncIteration:
            return

    return run
