"""The tables of a schema as PostgreSQL knows them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from smartmodels.tenancy.triggers import quoted

__all__ = ["Table", "applied_migrations", "fingerprint", "qualified", "sequence_states", "tables_of"]

RECORDS = MigrationRecorder.Migration._meta.db_table
"""The table of applied migrations, which is written by migrating and so never transferred."""

# Columns that the database computes are left to it.
_TABLES = """
    SELECT c.relname,
        array_agg(a.attname::text ORDER BY a.attname) FILTER (WHERE a.attgenerated = ''),
        array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attname) FILTER (WHERE a.attgenerated = ''),
        (SELECT array_agg(k.attname::text ORDER BY place.n) FROM pg_catalog.pg_index i
            CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS place (number, n)
            JOIN pg_catalog.pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = place.number
            WHERE i.indrelid = c.oid AND i.indisprimary)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = %s
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> %s
    GROUP BY c.oid, c.relname ORDER BY c.relname COLLATE "C"
"""
_SEQUENCES = """
    SELECT t.relname, a.attname, s.relname FROM pg_catalog.pg_class s
    JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace AND n.nspname = %s
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = s.oid
        AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
    WHERE s.relkind = 'S' ORDER BY 1, 2
"""


def qualified(schema: str, name: str) -> str:
    """Return a table or sequence of a schema as SQL writes it."""
    return f"{quoted(schema)}.{quoted(name)}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns by name with their types, and its primary key (empty if it has none)."""

    name: str
    types: dict[str, str]
    key: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns, in their order."""
        return tuple(self.types)

    def listed(self, prefix: str = "") -> str:
        """Return the columns as SQL lists them."""
        return ", ".join(prefix + quoted(name) for name in self.types)

    def order(self) -> str:
        """Return by what rows are sorted: the key, whatever the collation of the database."""
        return ", ".join(
            f"{quoted(name)}{_COLLATED if _is_text(self.types[name]) else ''}" for name in self.key
        )


_COLLATED = ' COLLATE "C"'


def _is_text(kind: str) -> bool:
    return kind == "text" or kind.startswith("character")


def _rows(sql: str, params: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return list(cursor.fetchall())


def tables_of(schema: str) -> list[Table]:
    """Return the tables of a schema by name, without the records of migrations."""
    return [
        Table(name, dict(zip(columns, types, strict=True)), tuple(key or ()))
        for name, columns, types, key in _rows(_TABLES, [schema, RECORDS])
    ]


def sequences_of(schema: str) -> dict[str, str]:
    """Return the sequences that columns own: ``{table.column: name of the sequence}``."""
    return {f"{table}.{column}": name for table, column, name in _rows(_SEQUENCES, [schema])}


def sequence_states(schema: str) -> dict[str, tuple[int, bool]]:
    """Return how far each sequence is: ``{table.column: (last value, whether it was used)}``."""
    states = {}
    for place, name in sequences_of(schema).items():
        ((last, used),) = _rows(f"SELECT last_value, is_called FROM {qualified(schema, name)}")  # noqa: S608
        states[place] = (last, used)
    return states


def applied_migrations(schema: str) -> tuple[str, ...]:
    """Return the migrations that a schema has, as ``app.name``, in order of their names."""
    rows = _rows(f"SELECT app, name FROM {qualified(schema, RECORDS)}")  # noqa: S608 - made by us
    return tuple(sorted(f"{app}.{name}" for app, name in rows))


def fingerprint(tables: Iterable[Table], migrations: Iterable[str]) -> str:
    """Return the digest of the migrations and of every column: two schemas with the same are alike."""
    said = [sorted(migrations), [[table.name, table.types, table.key] for table in tables]]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
