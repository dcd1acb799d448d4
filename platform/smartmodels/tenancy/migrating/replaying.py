"""Send the recorded statements of a migration to schemas: a transaction for each, many in one message."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import DatabaseError, connections
from django.db.migrations.migration import Migration
from psycopg.pq import TransactionStatus

from smartmodels.context import current_operation
from smartmodels.tenancy.engine.base import search_path
from smartmodels.tenancy.engine.prelude import OPERATION_SETTING
from smartmodels.tenancy.locking import lock_key
from smartmodels.tenancy.migrating.recording import Script
from smartmodels.tenancy.migrating.runs import done_sql, outcomes_of
from smartmodels.tenancy.migrating.states import Key, SchemaState
from smartmodels.tenancy.triggers import literal

__all__ = ["Batch", "Replay", "replay", "replay_batch"]


@dataclass(frozen=True, slots=True)
class Replay:
    """One migration for one schema: its statements, what it is recorded as, what the schema must have.

    ``after`` is what it has then; ``run`` is told of it; ``lock_timeout`` is in seconds.
    """

    namespace: Any
    script: Script
    keys: tuple[Key, ...]
    expected: SchemaState
    after: SchemaState
    run: UUID
    lock_timeout: float

    def message(self) -> str:
        """Return everything from BEGIN to COMMIT.

        Statements are parted by lines, because one may end with a comment.
        """
        return "\n;\n".join(("BEGIN", *self._ahead(), *self.script.statements, self._end(), "COMMIT"))

    def _ahead(self) -> Iterable[str]:
        schema, opened = self.namespace.schema_name, current_operation()
        yield f"SET LOCAL lock_timeout = {max(int(self.lock_timeout * 1000), 1)}"
        yield f"SET LOCAL search_path TO {search_path(schema)}"
        if opened is not None:
            yield f"SELECT set_config('{OPERATION_SETTING}', {literal(opened.as_setting)}, true)"
        tables = ", ".join(map(literal, self.script.tables))
        shape = "NULL" if self.script.shape is None else literal(self.script.shape)
        yield (
            f"SELECT public.smartmodels_take_schema({lock_key(self.namespace)}, {literal(schema)}, "
            f"{literal(self.expected.fingerprint)}, ARRAY[{tables}]::text[], {shape})"
        )

    def _end(self) -> str:
        return done_sql(self.run, self.namespace, self.keys, self.after.fingerprint)


@dataclass(frozen=True, slots=True)
class Batch:
    """One migration for schemas in one state; ``after`` is the state that it leaves them in."""

    migration: Migration
    after: SchemaState
    replays: tuple[Replay, ...]


def replay_batch(batch: Batch, *, using: str = "default") -> dict[str, float]:
    """Send all of them as one message; return the schemas in which it is done, with the seconds that took.

    The first failure ends the message: those before it are done, and which they are the database says.
    """
    began = time.monotonic()
    try:
        replay("\n;\n".join(each.message() for each in batch.replays), using=using)
    except (psycopg.Error, DatabaseError):
        return _done(batch, using)
    share = (time.monotonic() - began) / len(batch.replays)
    return {each.namespace.schema_name: share for each in batch.replays}


def _done(batch: Batch, using: str) -> dict[str, float]:
    """Return what the run recorded of the batch; nothing if not even that can be read.

    Whoever is not named is migrated alone, which finds out what was done already.
    """
    first = batch.replays[0]
    try:
        return outcomes_of(
            first.run,
            f"{batch.migration.app_label}.{batch.migration.name}",
            [each.namespace.schema_name for each in batch.replays],
            using,
        )
    except DatabaseError:
        connections[using].close()
        return {}


def replay(message: str, *, using: str = "default") -> None:
    """Send the message; raise what psycopg raises, with the connection fit for use or closed."""
    wrapper: Any = connections[using]
    wrapper.ensure_connection()
    connection: psycopg.Connection[Any] = wrapper.connection
    try:
        connection.execute(message.encode())
    except psycopg.Error:
        _tidy(wrapper, connection.rollback)
        raise


def _tidy(wrapper: Any, rollback: Callable[[], None]) -> None:
    try:
        rollback()
    except psycopg.Error:
        wrapper.close()
    else:
        if wrapper.connection.info.transaction_status != TransactionStatus.IDLE:
            wrapper.close()
