"""Drop a schema table by table, so that no transaction holds more locks than it may.

``DROP SCHEMA`` takes a lock on every table, index and sequence at once; the lock table of PostgreSQL, which
all connections share, holds ``max_locks_per_transaction * max_connections`` (6,400 by default).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db import OperationalError, connections, transaction
from psycopg.errors import LockNotAvailable

from smartmodels.exceptions import NamespaceBusy
from smartmodels.tenancy.migrating import forget_schema_state
from smartmodels.tenancy.schemas import is_ours
from smartmodels.tenancy.triggers import quoted
from smartmodels.tenancy.uploads import remove_uploads

__all__ = ["LOCKS", "Progress", "drop_in_batches", "silent"]

LOCKS = 200
"""Locks that one transaction takes at most; a single table that needs more is dropped alone."""

_WAIT = "10s"

# PostgreSQL locks whatever depends on a table: indexes, sequences, types, constraints, triggers, defaults; a
# key locks the table at its other end as well, and a TOAST table has an index. Partitions come before what
# they are part of.
_TABLES = """
WITH RECURSIVE tables AS (
    SELECT c.oid, c.relname, c.relispartition FROM pg_catalog.pg_class c
    WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s)
        AND c.relkind IN ('r', 'p', 'f')
), dropped (root, classid, objid) AS (
    SELECT oid, 'pg_class'::regclass::oid, oid FROM tables
    UNION
    SELECT d.root, p.classid, p.objid FROM dropped d
        JOIN pg_catalog.pg_depend p ON p.refclassid = d.classid AND p.refobjid = d.objid
    WHERE p.deptype IN ('a', 'i', 'n', 'P', 'S')
)
SELECT t.relname, 1 + count(*) + count(*) FILTER (WHERE classid = 'pg_constraint'::regclass)
FROM dropped JOIN tables t ON t.oid = root
GROUP BY t.relname, t.relispartition ORDER BY t.relispartition DESC, t.relname
"""

Progress = Callable[[int, int], None]
"""Called after every batch with the number of tables that are gone and of all there were."""


def silent(_: int, __: int) -> None:
    """Report to nobody."""


def _tables(schema: str) -> list[tuple[str, int]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(_TABLES, [schema])
        return [(str(name), int(locks)) for name, locks in cursor.fetchall()]


def _batches(tables: list[tuple[str, int]], most: int) -> Iterator[list[str]]:
    batch: list[str] = []
    taken = 0
    for name, locks in tables:
        if batch and taken + locks > most:
            yield batch
            batch, taken = [], 0
        batch.append(name)
        taken += locks
    if batch:
        yield batch


def _patiently(schema: str, statement: str) -> None:
    """Drop in a transaction of its own, which waits for those who still read for some seconds only."""
    try:
        with transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_WAIT}'")
            cursor.execute(statement)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise NamespaceBusy(
                f"Somebody still reads schema {schema}, for more than {_WAIT} now: what is dropped is "
                "dropped, repeat it for the rest.",
                schema=schema,
            ) from error
        raise


def drop_in_batches(schema: str, key: object, *, progress: Progress = silent, locks: int = LOCKS) -> int:
    """Drop the schema of namespace ``key``, tables first; return how many tables there were.

    Each batch is a transaction of its own, so what is cut off goes on with what is left. Raises
    NamespaceFailed for a schema without the namespace's mark, and NamespaceBusy while somebody reads it.
    """
    if not is_ours(schema, key):
        return 0
    tables = _tables(schema)
    gone = 0
    for batch in _batches(tables, locks):
        names = ", ".join(f"{quoted(schema)}.{quoted(name)}" for name in batch)
        _patiently(schema, f"DROP TABLE IF EXISTS {names} CASCADE")
        gone += len(batch)
        progress(gone, len(tables))
    _patiently(schema, f"DROP SCHEMA {quoted(schema)} CASCADE")
    forget_schema_state(schema)
    remove_uploads(schema)
    return len(tables)
