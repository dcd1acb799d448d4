"""How many requests of one namespace a process serves at the same time."""

from __future__ import annotations

from django.http import HttpResponseBase

from smartmodels.conf import settings
from smartmodels.context import BoundNamespace
from smartmodels.exceptions import NamespaceCrowded

__all__ = ["Place", "take_place"]

# What is free of each (schema, number of places). Lists instead of counts and a lock: pop() and append() are
# one step each, so a place may be given back by the garbage collector at any moment.
_free: dict[tuple[str, int], list[None]] = {}


class Place:
    """One request's place among those of its namespace; given back once, at the latest with the object."""

    __slots__ = ("_free",)

    def __init__(self, free: list[None] | None) -> None:
        self._free = free

    def leave(self) -> None:
        """Make room for another request of the namespace."""
        free, self._free = self._free, None
        if free is not None:
            free.append(None)

    __del__ = leave

    def hold_until_sent(self, response: HttpResponseBase) -> None:
        """Leave when the response is closed, which servers do after its last byte, or when it is dropped."""
        if self._free is not None:
            response._resource_closers.append(self.leave)  # type: ignore[attr-defined]


def take_place(namespace: BoundNamespace | None) -> Place:
    """Take a place for a request of the namespace; the public host has no end of them.

    Raises NamespaceCrowded when ``SMARTMODELS_REQUESTS_PER_NAMESPACE`` are taken.
    """
    most = settings().REQUESTS_PER_NAMESPACE
    if namespace is None or most <= 0:
        return Place(None)
    key = namespace.schema_name, most
    free = _free.get(key)
    if free is None:
        free = _free.setdefault(key, [None] * most)
    try:
        free.pop()
    except IndexError:
        raise NamespaceCrowded(
            f"This namespace has {most} requests under way here: try again when one of them has ended.",
            retry_after=1,
        ) from None
    return Place(free)
