"""Constraints, indexes and statistics of tables."""

from __future__ import annotations

from typing import Any

from smartmodels.tenancy.template.catalogue.pieces import Found, Key, Piece, Stage, options_clause
from smartmodels.tenancy.triggers import quoted

__all__ = ["read_constraints", "read_indexes", "read_statistics"]

# What partitions inherit is made when they are attached, except what an index of their own stands for.
_CONSTRAINTS = """
SELECT k.oid, k.conname AS name, k.contype::text AS kind, k.convalidated AS valid, c.relname AS "table",
       pg_get_constraintdef(k.oid) AS definition
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = %(schema)s AND k.contype IN ('c', 'p', 'u', 'x', 'f')
  AND NOT (k.contype = 'f' AND k.conparentid <> 0) ORDER BY c.relname, k.conname
"""
_INDEXES = """
SELECT x.oid, x.relname AS name, c.relname AS "table", pg_get_indexdef(x.oid, 0, true) AS definition,
       i.indisvalid AS valid, i.indisclustered AS clustered, i.indisreplident AS identifies,
       x.reloptions AS options, s.spcname AS tablespace,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid AND k.conrelid = c.oid
               AND k.contype IN ('p', 'u', 'x')) AS constrains,
       ARRAY(SELECT a.attnum || '=' || a.attstattarget FROM pg_attribute a
             WHERE a.attrelid = x.oid AND a.attstattarget >= 0 ORDER BY a.attnum) AS targets
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace
WHERE c.relnamespace = %(schema)s AND c.relkind IN ('r', 'p', 'm') ORDER BY x.relname
"""
_STATISTICS = """
SELECT s.oid, s.stxname AS name, s.stxrelid::regclass::text AS "table", s.stxkind::text[] AS kinds,
       pg_get_statisticsobjdef_columns(s.oid) AS columns, coalesce(s.stxstattarget, -1) AS target
FROM pg_statistic_ext s WHERE s.stxnamespace = %(schema)s ORDER BY s.stxname
"""
_KINDS = {"d": "ndistinct", "f": "dependencies", "m": "mcv"}


def read_constraints(found: Found) -> None:
    """Read keys, checks, exclusions and foreign keys."""
    for each in found.rows(_CONSTRAINTS):
        name, shown = quoted(each.name), f"{each.table}.{each.name}"
        key = Key("pg_constraint", each.oid)
        found.targets[key] = f"CONSTRAINT {name} ON {quoted(each.table)}"
        fragment = f"CONSTRAINT {name} {each.definition}"
        if each.kind == "f" or not each.valid:
            stage = Stage.LINK if each.kind == "f" else Stage.INDEX
            found.add(Piece("constraint", shown, f"ALTER TABLE {quoted(each.table)} ADD {fragment}", stage))
        else:
            found.add(Piece("constraint", shown, fragment, Stage.MAKE, of=each.table, key=key))


def read_indexes(found: Found) -> None:
    """Read indexes; of those that a constraint makes only what its definition does not say."""
    for index in found.rows(_INDEXES):
        name = quoted(index.name)
        found.targets[Key("pg_class", index.oid)] = f"INDEX {name}"
        if not index.constrains:
            invalid = "" if index.valid else " /* invalid */"
            found.add(Piece("index", index.name, index.definition + invalid, Stage.INDEX))
        for piece in _settings(index, name):
            found.add(piece)


def _settings(index: Any, name: str) -> list[Piece]:
    alter, table, made = f"ALTER INDEX {name}", f"ALTER TABLE ONLY {quoted(index.table)}", []
    if index.constrains and index.options:
        made.append(("index options", f"{alter} SET ({', '.join(options_clause(index.options))})"))
    if index.tablespace:
        made.append(("tablespace", f"{alter} SET TABLESPACE {quoted(index.tablespace)}"))
    if index.clustered:
        made.append(("clustering", f"{table} CLUSTER ON {name}"))
    if index.identifies:
        made.append(("replica identity", f"{table} REPLICA IDENTITY USING INDEX {name}"))
    for target in index.targets:
        number, _, value = target.partition("=")
        made.append((f"statistics target {number}", f"{alter} ALTER COLUMN {number} SET STATISTICS {value}"))
    return [Piece(kind, index.name, sql) for kind, sql in made]


def read_statistics(found: Found) -> None:
    """Read extended statistics."""
    for each in found.rows(_STATISTICS):
        name = quoted(each.name)
        found.targets[Key("pg_statistic_ext", each.oid)] = f"STATISTICS {name}"
        kinds = [_KINDS[kind] for kind in each.kinds if kind in _KINDS]
        said = f" ({', '.join(kinds)})" if 0 < len(kinds) < len(_KINDS) else ""
        sql = f"CREATE STATISTICS {name}{said} ON {each.columns} FROM {each.table}"
        found.add(Piece("statistics", each.name, sql))
        if each.target >= 0:
            target = f"ALTER STATISTICS {name} SET STATISTICS {each.target}"
            found.add(Piece("statistics target", each.name, target))
