"""Rows that migrations leave behind: those of a new namespace."""

from __future__ import annotations

from typing import Any

from django.db import ProgrammingError
from django.db.migrations.recorder import MigrationRecorder

from smartmodels.tenancy.template.catalogue.pieces import Found
from smartmodels.tenancy.triggers import literal, quoted

__all__ = ["read_rows"]

_TABLES = """
SELECT c.oid, c.relname AS name,
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
             AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum) AS columns
FROM pg_class c WHERE c.relnamespace = %(schema)s AND c.relkind = 'r' ORDER BY c.relname
"""
_SEQUENCES = """
SELECT c.relname AS name, pg_sequence_last_value(c.oid) AS last
FROM pg_class c WHERE c.relnamespace = %(schema)s AND c.relkind = 'S' ORDER BY c.relname
"""
_RECORDS = MigrationRecorder.Migration._meta.db_table


def read_rows(found: Found) -> list[str]:
    """Return the statements that put the rows of the schema's tables into another, and set its sequences."""
    # Rows that a policy hides are an error, not left out.
    found.cursor.execute("SET LOCAL row_security TO off")
    statements = [_insert(found, table) for table in found.rows(_TABLES) if table.columns]
    for sequence in found.rows(_SEQUENCES):
        if sequence.last is not None:
            name = literal(quoted(sequence.name))
            statements.append(f"SELECT setval({name}, {sequence.last})")
    return [statement for statement in statements if statement]


def _insert(found: Found, table: Any) -> str:
    columns = table.columns
    values = [f"quote_nullable({quoted(column)}::text)" for column in columns]
    if table.name == _RECORDS:
        # A namespace's migrations were applied when it was made, and numbered from 1.
        columns = ["app", "name", "applied"]
        values = ["quote_nullable(app)", "quote_nullable(name)", "'now()'"]
    row = " || ', ' || ".join(values)
    order = f" ORDER BY {quoted(table.columns[0])}" if table.name == _RECORDS else ""
    query = f"SELECT '(' || {row} || ')' AS row FROM ONLY {quoted(table.name)}{order}"  # noqa: S608
    try:
        found.cursor.execute(query)
    except ProgrammingError as error:
        found.refuse([f"rows of table {table.name} ({str(error).strip()})"])
        raise
    rows = ", ".join(row for (row,) in found.cursor.fetchall())
    names = ", ".join(map(quoted, columns))
    if not rows:
        return ""
    return f"INSERT INTO {quoted(table.name)} ({names}) OVERRIDING SYSTEM VALUE VALUES {rows}"  # noqa: S608
