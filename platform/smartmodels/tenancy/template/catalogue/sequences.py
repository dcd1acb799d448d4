"""Sequences, those of columns included."""

from __future__ import annotations

from typing import Any

from smartmodels.tenancy.template.catalogue.pieces import Found, Key, Piece, Stage
from smartmodels.tenancy.triggers import quoted

__all__ = ["SEQUENCE_COLUMNS", "read_sequences", "sequence_options"]

SEQUENCE_COLUMNS = (
    "format_type(s.seqtypid, NULL) AS sequence_type, s.seqstart, s.seqincrement, s.seqmin, s.seqmax,"
    " s.seqcache, s.seqcycle"
)
_SEQUENCES = f"""
SELECT c.oid, c.relname AS name, c.relpersistence::text AS persistence, o.deptype::text AS tie,
       o.refobjid::regclass::text AS "table", a.attname AS "column", {SEQUENCE_COLUMNS}
FROM pg_class c
JOIN pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.deptype IN ('a', 'i')
     AND o.refclassid = 'pg_class'::regclass
LEFT JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
WHERE c.relnamespace = %(schema)s AND c.relkind = 'S' ORDER BY c.relname
"""  # noqa: S608 - parts of our own


def sequence_options(row: Any) -> str:
    """Return how a sequence counts; its type is said by the column where it belongs to one."""
    return (
        f"START WITH {row.seqstart} INCREMENT BY {row.seqincrement} MINVALUE {row.seqmin} "
        f"MAXVALUE {row.seqmax} CACHE {row.seqcache}{' CYCLE' if row.seqcycle else ''}"
    )


def read_sequences(found: Found) -> None:
    """Read sequences that columns do not make themselves, and what owns them."""
    for sequence in found.rows(_SEQUENCES):
        name, key = quoted(sequence.name), Key("pg_class", sequence.oid)
        found.targets[key] = f"SEQUENCE {name}"
        if sequence.tie == "i":
            continue
        unlogged = "UNLOGGED " if sequence.persistence == "u" else ""
        sql = f"CREATE {unlogged}SEQUENCE {name} AS {sequence.sequence_type} {sequence_options(sequence)}"
        found.add(Piece("sequence", sequence.name, sql, Stage.MAKE, key=key))
        if sequence.tie:
            owner = f"{sequence.table}.{quoted(sequence.column)}"
            tie = f"ALTER SEQUENCE {name} OWNED BY {owner}"
            found.add(Piece("owner of sequence", sequence.name, tie, Stage.FOLLOW))
