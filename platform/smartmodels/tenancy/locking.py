"""One at a time works on a namespace: an advisory lock, given back by PostgreSQL when its holder dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import InterfaceError, OperationalError, connections

from smartmodels.exceptions import NamespaceBusy

__all__ = ["LOCK_CLASS", "exclusively", "lock_key"]

LOCK_CLASS = 0x736D
"""First key of the locks of namespaces; the second is :func:`lock_key`."""


def lock_key(namespace: Any) -> int:
    """Return the second key of the namespace's lock."""
    return int(namespace.pk.int % 2**31)


@contextmanager
def exclusively(namespace: Any, *, using: str = "default") -> Iterator[None]:
    """Hold the namespace's lock for the block, on this thread's connection; raise NamespaceBusy if taken."""
    key = lock_key(namespace)
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, key])
        if not cursor.fetchone()[0]:
            raise NamespaceBusy(
                f"Another process is working on {namespace.slug!r}: wait for it, then try again.",
                slug=namespace.slug,
            )
    try:
        yield
    finally:
        # A connection that is gone has given its locks back.
        with suppress(OperationalError, InterfaceError), connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, key])
