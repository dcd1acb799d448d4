"""One migration in one schema through Django's operations, recorded in the same transaction as it is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connections
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

from smartmodels.context import require_namespace
from smartmodels.tenancy.migrating.recording import Recording, RecordingEditor, Script, can_be_recorded
from smartmodels.tenancy.migrating.states import Key
from smartmodels.tenancy.triggers import quoted

__all__ = ["apply_migration", "record", "unapply_migration"]

_CONCURRENTLY = re.compile(
    r'\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?"?(?P<name>[^"\s]+)',
    re.IGNORECASE,
)
_LEFT_BEHIND = """
    SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'i'
"""

# By what depends on the schema, of which there is an index; there is none of a schema's tables.
_SHAPES = """
    SELECT ARRAY(
        SELECT c.relname::text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid
        WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass
        AND d.refobjid = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s)
        AND d.classid = 'pg_catalog.pg_class'::regclass AND c.relkind IN ('r', 'p')
    ), public.smartmodels_tables_shape(%s, %s)
"""


class _ResumingEditor(RecordingEditor):
    """For migrations that are no transaction: an index that a killed run left behind is made anew.

    It may be invalid. One that is whole but not recorded is told from it by nothing that lasts, and costs
    no more than time.
    """

    def execute(self, sql: Any, params: Any = ()) -> None:
        if found := _CONCURRENTLY.match(str(sql)):
            self._drop_if_there(found["name"])
        super().execute(sql, params)

    def _drop_if_there(self, index: str) -> None:
        schema = require_namespace().schema_name
        with self.connection.cursor() as cursor:
            cursor.execute(_LEFT_BEHIND, [schema, index])
            if cursor.fetchone():
                cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted(schema)}.{quoted(index)}")


def _shapes(schema: str, project: ProjectState, using: str) -> dict[str, str | None]:
    """Return what each table of the schema is like, by name; None where it is none of the project's."""
    asked = [each._meta.db_table for each in project.apps.get_models(include_auto_created=True)]
    with connections[using].cursor() as cursor:
        cursor.execute(_SHAPES, [schema, schema, asked])
        tables, shape = cursor.fetchone()
    # Each begins with the table's name, which the last space ends.
    known = {each.rpartition(" ")[0]: each for each in (shape or "").split(",")}
    return {table: known.get(table) for table in tables}


def record(keys: Iterable[Key], using: str) -> None:
    """Record migrations as applied in the bound namespace's schema."""
    table = f"{quoted(require_namespace().schema_name)}.django_migrations"
    with connections[using].cursor() as cursor:
        for app, name in keys:
            cursor.execute(
                f"INSERT INTO {table} (app, name, applied) VALUES (%s, %s, now())",  # noqa: S608
                [app, name],
            )


def apply_migration(
    migration: Migration,
    project: ProjectState,
    finish: Callable[[], None],
    *,
    recorded: bool = False,
    using: str = "default",
) -> tuple[ProjectState, Script | None]:
    """Apply the migration in the bound namespace; return the models after it, and its statements if they do.

    Statements are asked for with ``recorded``, and None if the migration is more than them. ``finish``
    records it, inside the transaction, so that a process that dies leaves the schema as it was or as it
    should be; Django itself records some migrations after their COMMIT. What is no transaction is recorded
    right after it.
    """
    connection: Any = connections[using]
    schema = require_namespace().schema_name
    recordable = recorded and can_be_recorded(migration)
    # Of what tables are like before; which of them matter is known after.
    shapes = _shapes(schema, project, using) if recordable else {}
    recording = Recording(connection, schema)
    kind = RecordingEditor if migration.atomic else _ResumingEditor
    with kind(connection, atomic=migration.atomic, recording=recording) as editor:
        with recording.watching():
            project = migration.apply(project, editor)
            editor.settle()
        if migration.atomic:
            finish()
    if not migration.atomic:
        finish()
    return project, recording.script(shapes) if recordable else None


def unapply_migration(
    migration: Migration, project: ProjectState, finish: Callable[[], None], *, using: str = "default"
) -> ProjectState:
    """Take the migration back, as :func:`apply_migration` applies it."""
    connection: Any = connections[using]
    recording = Recording(connection, require_namespace().schema_name)
    with RecordingEditor(connection, atomic=migration.atomic, recording=recording) as editor:
        project = migration.unapply(project, editor)
        editor.settle()
        if migration.atomic:
            finish()
    if not migration.atomic:
        finish()
    return project
