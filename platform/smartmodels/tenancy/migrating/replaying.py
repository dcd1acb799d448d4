"""Send the recorded statements of a migration to a schema: one message, one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections
from psycopg.pq import TransactionStatus

from smartmodels.context import current_operation
from smartmodels.tenancy.engine.base import search_path
from smartmodels.tenancy.engine.prelude import OPERATION_SETTING
from smartmodels.tenancy.locking import lock_key
from smartmodels.tenancy.migrating.recording import Script
from smartmodels.tenancy.migrating.runs import done_sql
from smartmodels.tenancy.migrating.states import Key, SchemaState
from smartmodels.tenancy.triggers import literal

__all__ = ["Replay", "replay"]


@dataclass(frozen=True, slots=True)
class Replay:
    """One migration for one schema: its statements, what it is recorded as, and what the schema must have.

    ``run`` is told of it; ``lock_timeout`` is in seconds.
    """

    namespace: Any
    script: Script
    keys: tuple[Key, ...]
    expected: SchemaState
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
        after = self.expected.with_keys(self.keys).fingerprint
        return done_sql(self.run, self.namespace, self.keys, after)


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
