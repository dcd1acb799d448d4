"""Apply a migration through Django and write down the statements it sent, for all schemas that are alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations.migration import Migration
from django.db.migrations.operations import RunPython, SeparateDatabaseAndState
from psycopg.pq import TransactionStatus

from smartmodels.tenancy.engine.prelude import is_read, is_transaction_control

__all__ = ["Recording", "RecordingEditor", "Script", "can_be_recorded"]

# Django's look at the catalogue before it alters a table. Any other read may decide what is done.
_CATALOGUE = re.compile(
    r"\bpg_(catalog|class|constraint|index|attribute|sequence|depend)\b|\binformation_schema\b"
)
# django-tenants sets the path around each of those looks.
_PATH = re.compile(r"\s*(SHOW|SET) search_path\b", re.IGNORECASE)
_ROLLBACK = re.compile(r"\s*ROLLBACK\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Script:
    """The statements of one migration, ready to be sent to other schemas.

    ``tables`` are those of which Django read the catalogue, and ``shape`` what they were like: in a
    schema where they are different, the statements may not fit.
    """

    statements: tuple[str, ...]
    tables: tuple[str, ...] = ()
    shape: str | None = None


def _operations(operations: Iterable[Any]) -> Iterator[Any]:
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from _operations(operation.database_operations)
        else:
            yield operation


def can_be_recorded(migration: Migration) -> bool:
    """Tell whether the migration is one transaction that consists of statements, as far as it says."""
    return migration.atomic and all(
        operation.reduces_to_sql and not isinstance(operation, RunPython)
        for operation in _operations(migration.operations)
    )


class Recording:
    """What a migration sends while it is watched."""

    def __init__(self, connection: Any, schema: str) -> None:
        self._connection = connection
        self._schema = schema
        self._by_editor = False
        self._statements: list[str] = []
        self._tables: set[str] = set()
        self._is_whole = True

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the connection for the block."""
        with self._connection.execute_wrapper(self._watch):
            yield

    @contextmanager
    def by_editor(self) -> Iterator[None]:
        """Say that what is sent in the block is sent by the schema editor."""
        self._by_editor = True
        try:
            yield
        finally:
            self._by_editor = False

    def _watch(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        text = str(sql)
        if self._by_editor:
            self._statements.append(text if params is None else self._rendered(text, params))
            self._is_whole = self._is_whole and not many and self._is_in_transaction()
        elif is_transaction_control(text):
            self._is_whole = self._is_whole and not _ROLLBACK.match(text)
        elif is_read(text) and _CATALOGUE.search(text):
            self._tables |= {value for value in params or () if isinstance(value, str)}
        elif not _PATH.match(text):
            self._is_whole = False
        return result

    def _rendered(self, text: str, params: Any) -> str:
        return str(self._connection.ops.compose_sql(text, params))

    def _is_in_transaction(self) -> bool:
        return bool(self._connection.connection.info.transaction_status == TransactionStatus.INTRANS)

    def script(self, shapes: Mapping[str, str | None]) -> Script | None:
        """Return the statements; None if they are not all there is, or name the schema they were sent to.

        ``shapes`` says what each table was like before; None is what nobody knows.
        """
        # Words that name no table of before: other parameters, and tables that the statements made.
        tables = tuple(sorted(self._tables & shapes.keys()))
        known = [shape for table in tables if (shape := shapes[table]) is not None]
        if not self._is_whole or len(known) < len(tables):
            return None
        if any(self._schema in text for text in self._statements):
            return None
        shape = ",".join(sorted(known)) if tables else None
        return Script(tuple(self._statements), tables, shape)


class RecordingEditor(DatabaseSchemaEditor):
    """Django's schema editor, whose statements are told from those that others send."""

    def __init__(self, connection: Any, *, atomic: bool, recording: Recording) -> None:
        super().__init__(connection, atomic=atomic)
        self._recording = recording

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Send the statement."""
        with self._recording.by_editor():
            super().execute(sql, params)

    def settle(self) -> None:
        """Send what Django puts off until the end, now, so that it is in force before it is recorded."""
        for statement in self.deferred_sql:
            self.execute(statement, None)
        self.deferred_sql.clear()
