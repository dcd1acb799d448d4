"""Responses that are made chunk by chunk, after the middleware that bound something has returned."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any, cast

from django.http import HttpResponseBase, StreamingHttpResponse

__all__ = ["keep_bound"]

Scope = Callable[[], Any]


def _chunks(content: Iterable[bytes], scope: Scope) -> Iterator[bytes]:
    chunks = iter(content)
    while True:
        with scope():
            try:
                chunk = next(chunks)
            except StopIteration:
                return
        yield chunk


async def _async_chunks(content: AsyncIterable[bytes], scope: Scope) -> AsyncIterator[bytes]:
    chunks = aiter(content)
    while True:
        async with scope():
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                return
        yield chunk


def keep_bound(response: HttpResponseBase, scope: Scope) -> HttpResponseBase:
    """Return the response, each chunk of which is made inside a fresh ``scope()`` if it is a stream."""
    if isinstance(response, StreamingHttpResponse):
        content = response.streaming_content
        response.streaming_content = (
            _async_chunks(cast(AsyncIterable[bytes], content), scope)
            if response.is_async
            else _chunks(cast(Iterable[bytes], content), scope)
        )
    return response
