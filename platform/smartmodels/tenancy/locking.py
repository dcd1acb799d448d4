"""One at a time works on a namespace: an advisory lock, given back by PostgreSQL when its holder dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import InterfaceError, OperationalError, connections

from smartmodels.exceptions import NamespaceBusy
from smartmodels.tenancy.models import State
from smartmodels.tenancy.triggers import quoted

__all__ = ["LOCK_CLASS", "exclusively", "holds_alone", "lock_key"]

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


def holds_alone(namespace: Any) -> bool:
    """Take the namespace's lock to the end of the transaction, if it is free and the row still reserved.

    One statement: for what takes only a moment.
    """
    table = quoted(type(namespace)._meta.db_table)
    with connections["default"].cursor() as cursor:
        cursor.execute(
            f"SELECT pg_try_advisory_xact_lock(%s, %s) FROM {table} WHERE id = %s AND state = %s",  # noqa: S608
            [LOCK_CLASS, lock_key(namespace), namespace.pk, State.RESERVED],
        )
        row = cursor.fetchone()
    return bool(row and row[0])
