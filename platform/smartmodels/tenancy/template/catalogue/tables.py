"""Tables and partitions."""

from __future__ import annotations

from typing import Any

from smartmodels.tenancy.template.catalogue.pieces import Found, Key, Piece, Stage, options_clause
from smartmodels.tenancy.triggers import quoted

__all__ = ["read_tables"]

_TABLES = """
SELECT c.oid, c.relname AS name, c.relkind::text AS kind, c.relpersistence::text AS persistence,
       c.reloptions AS options, t.reloptions AS toast_options, m.amname AS method, s.spcname AS tablespace,
       c.relreplident::text AS identity, c.relrowsecurity AS secured, c.relforcerowsecurity AS forced,
       pg_get_partkeydef(c.oid) AS partition_key, pg_get_expr(c.relpartbound, c.oid) AS bound,
       (SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid LIMIT 1) AS parent
FROM pg_class c
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN pg_am m ON m.oid = c.relam
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
WHERE c.relnamespace = %(schema)s AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
_IDENTITY = {"f": "FULL", "n": "NOTHING"}


def read_tables(found: Found) -> None:
    """Read the tables without their columns."""
    for table in found.rows(_TABLES):
        name = quoted(table.name)
        found.targets[Key("pg_class", table.oid)] = f"TABLE {name}"
        unlogged = "UNLOGGED " if table.persistence == "u" else ""
        key = Key("pg_class", table.oid)
        head = f"CREATE {unlogged}TABLE {name}"
        found.add(Piece("table", table.name, head, Stage.MAKE, tail=_tail(table), key=key))
        for piece in _settings(table, name):
            found.add(piece)


def _tail(table: Any) -> str:
    parts = [f"PARTITION BY {table.partition_key}" if table.kind == "p" else ""]
    if table.method not in (None, "heap"):
        parts.append(f"USING {quoted(table.method)}")
    options = options_clause(table.options) + options_clause(table.toast_options, "toast.")
    if options:
        parts.append(f"WITH ({', '.join(options)})")
    if table.tablespace:
        parts.append(f"TABLESPACE {quoted(table.tablespace)}")
    return "".join(f" {part}" for part in parts if part)


def _settings(table: Any, name: str) -> list[Piece]:
    alter, made = f"ALTER TABLE ONLY {name}", []
    if table.bound:
        attach = f"ALTER TABLE {table.parent} ATTACH PARTITION {name} {table.bound}"
        made.append(Piece("partition", table.name, attach, Stage.ATTACH))
    if table.identity in _IDENTITY:
        identity = f"{alter} REPLICA IDENTITY {_IDENTITY[table.identity]}"
        made.append(Piece("replica identity", table.name, identity))
    if table.secured:
        made.append(Piece("row security", table.name, f"{alter} ENABLE ROW LEVEL SECURITY"))
    if table.forced:
        made.append(Piece("forced row security", table.name, f"{alter} FORCE ROW LEVEL SECURITY"))
    return made
