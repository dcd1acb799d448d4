"""One snapshot for many statements, with bounded locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction

from smartmodels.conf import settings
from smartmodels.exceptions import ReportUnavailable

__all__ = ["bounded", "require_one_snapshot", "snapshot"]

_REPEATABLE = ("repeatable read", "serializable")


def _begin(using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


@contextmanager
def snapshot(*, using: str) -> Iterator[None]:
    """Let every statement of the block see the rows of one moment.

    An open transaction is used as it is: see :func:`require_one_snapshot`.
    """
    connection = connections[using]
    if connection.in_atomic_block or not connection.get_autocommit():
        yield
        return
    with transaction.atomic(using=using):
        _begin(using)
        yield


def require_one_snapshot(*, using: str) -> None:
    """Raise ReportUnavailable when the statements of the open transaction each see another moment.

    One statement is a snapshot by itself, so this matters only where there are several.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        level = cursor.fetchone()[0]
    if level not in _REPEATABLE:
        raise ReportUnavailable(
            f"This takes several statements, and the open transaction is {level}: every statement "
            "would see other rows. Call it outside of transactions, or in a REPEATABLE READ one."
        )


@contextmanager
def bounded(*, using: str) -> Iterator[Any]:
    """Yield a cursor for a statement whose locks and settings are given back at the end of the block.

    Use it inside :func:`snapshot`. Without it a transaction over 1,000 schemas would hold 4,000 locks;
    parallel workers and compilation cost more than they gain on many small tables.
    """
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute(
                "SELECT set_config('jit', 'off', true), set_config('datestyle', 'ISO', true),"
                " set_config('max_parallel_workers_per_gather', '0', true),"
                " set_config('statement_timeout', %s, true)",
                [str(max(1, round(settings().REPORT_TIMEOUT * 1000)))],
            )
            yield cursor
        # A savepoint inside the transaction of the snapshot, so nothing but locks and settings is undone.
        transaction.set_rollback(True, using=using)
