"""Columns of tables, with their defaults, identities and storage."""

from __future__ import annotations

from typing import Any

from smartmodels.tenancy.template.catalogue.pieces import Found, Key, Piece, Stage, options_clause
from smartmodels.tenancy.template.catalogue.sequences import SEQUENCE_COLUMNS, sequence_options
from smartmodels.tenancy.triggers import quoted

__all__ = ["read_columns"]

_COLUMNS = f"""
SELECT c.oid, c.relname AS "table", c.relkind::text AS relation_kind, a.attname AS name, a.attnum AS number,
       format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
       CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END AS "collation",
       pg_get_expr(d.adbin, d.adrelid) AS expression, a.attgenerated::text AS generated,
       a.attidentity::text AS identity, a.attcompression::text AS compression,
       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END AS storage,
       coalesce(a.attstattarget, -1) AS target, a.attoptions AS options,
       k.conname AS required_name, k.convalidated AS required_valid, k.connoinherit AS required_here,
       q.relname AS sequence, {SEQUENCE_COLUMNS}
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum
LEFT JOIN pg_depend o ON o.refclassid = 'pg_class'::regclass AND o.refobjid = c.oid AND o.deptype = 'i'
     AND o.refobjsubid = a.attnum AND o.classid = 'pg_class'::regclass AND a.attidentity <> ''
LEFT JOIN pg_class q ON q.oid = o.objid
LEFT JOIN pg_sequence s ON s.seqrelid = q.oid
WHERE c.relnamespace = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY c.relname, a.attnum
"""  # noqa: S608 - parts of our own
_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
_COMPRESSION = {"p": "pglz", "l": "lz4"}


def read_columns(found: Found) -> None:
    """Read the columns of tables; of views only their defaults."""
    order: dict[str, list[str]] = {}
    for column in found.rows(_COLUMNS):
        where = f"{quoted(column.table)}.{quoted(column.name)}"
        found.targets[Key("pg_class", column.oid, column.number)] = f"COLUMN {where}"
        if column.relation_kind in ("r", "p"):
            order.setdefault(column.table, []).append(quoted(column.name))
            found.add(Piece("column", _name(column), _fragment(column), Stage.MAKE, of=column.table))
        elif column.expression is not None:
            found.add(_altered(column, "column", f"SET DEFAULT {column.expression}", Stage.FOLLOW))
        for piece in _settings(column):
            found.add(piece)
    for table, names in order.items():
        found.add(Piece("order of columns", table, "", of=table, tail=", ".join(names)))


def _name(column: Any) -> str:
    return f"{column.table}.{column.name}"


def _fragment(column: Any) -> str:
    parts = [quoted(column.name), column.type]
    if column.compression in _COMPRESSION:
        parts.append(f"COMPRESSION {_COMPRESSION[column.compression]}")
    if column.collation:
        parts.append(f"COLLATE {column.collation}")
    if column.required and column.required_valid is not False:
        parts.append(_required(column))
    if column.identity:
        always = "ALWAYS" if column.identity == "a" else "BY DEFAULT"
        options = f"SEQUENCE NAME {quoted(column.sequence)} {sequence_options(column)}"
        parts.append(f"GENERATED {always} AS IDENTITY ({options})")
    elif column.generated:
        kept = "VIRTUAL" if column.generated == "v" else "STORED"
        parts.append(f"GENERATED ALWAYS AS ({column.expression}) {kept}")
    elif column.expression is not None:
        parts.append(f"DEFAULT {column.expression}")
    return " ".join(parts)


def _required(column: Any) -> str:
    # PostgreSQL 18 keeps NOT NULL as a constraint with a name.
    name = "" if column.required_name is None else f"CONSTRAINT {quoted(column.required_name)} "
    return f"{name}NOT NULL{' NO INHERIT' if column.required_here else ''}"


def _altered(column: Any, kind: str, change: str, stage: Stage = Stage.INDEX) -> Piece:
    alter = f"ALTER TABLE ONLY {quoted(column.table)} ALTER COLUMN {quoted(column.name)}"
    return Piece(kind, _name(column), f"{alter} {change}", stage)


def _settings(column: Any) -> list[Piece]:
    made = []
    if column.storage is not None:
        made.append(_altered(column, "storage", f"SET STORAGE {_STORAGE[column.storage]}", Stage.FOLLOW))
    if column.target >= 0:
        made.append(_altered(column, "statistics target", f"SET STATISTICS {column.target}"))
    if column.options:
        made.append(_altered(column, "column options", f"SET ({', '.join(options_clause(column.options))})"))
    if column.required and column.required_valid is False:
        add = f"ALTER TABLE ONLY {quoted(column.table)} ADD CONSTRAINT {quoted(column.required_name)}"
        here = " NO INHERIT" if column.required_here else ""
        sql = f"{add} NOT NULL {quoted(column.name)}{here} NOT VALID"
        made.append(Piece("constraint", f"{column.table}.{column.required_name}", sql, Stage.INDEX))
    return made
