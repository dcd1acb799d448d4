"""Read one schema from PostgreSQL's catalogue, so that it can be made again and compared.

It is read with the schema alone on the search path. PostgreSQL then prints what belongs to the schema
without its name and everything else with it, so the script works wherever it is replayed with the new
schema alone on the path, and no text is ever replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

from smartmodels.exceptions import NamespaceFailed
from smartmodels.tenancy.template.catalogue.columns import read_columns
from smartmodels.tenancy.template.catalogue.constraints import (
    read_constraints,
    read_indexes,
    read_statistics,
)
from smartmodels.tenancy.template.catalogue.ordering import in_order, refuse_unknown
from smartmodels.tenancy.template.catalogue.pieces import Found, Piece
from smartmodels.tenancy.template.catalogue.programs import (
    read_functions,
    read_policies,
    read_rules,
    read_triggers,
)
from smartmodels.tenancy.template.catalogue.rights import read_comments, read_owners, read_privileges
from smartmodels.tenancy.template.catalogue.rows import read_rows
from smartmodels.tenancy.template.catalogue.scripts import write_script
from smartmodels.tenancy.template.catalogue.sequences import read_sequences
from smartmodels.tenancy.template.catalogue.tables import read_tables
from smartmodels.tenancy.template.catalogue.types import read_types, read_views
from smartmodels.tenancy.triggers import quoted

__all__ = ["Definitions", "Recording", "alone", "definitions", "record"]

_READERS = (
    read_types, read_functions, read_sequences, read_tables, read_columns, read_constraints, read_views,
    read_indexes, read_statistics, read_rules, read_policies, read_triggers,
    read_comments, read_owners, read_privileges,
)  # fmt: skip

Definitions = Mapping[str, str]
"""What a schema is made of: ``<kind> <name>`` -> its SQL, with names of the schema unqualified."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A schema as a script, and as definitions that can be compared."""

    script: str
    definitions: Definitions


@contextmanager
def alone(schema: str, *, using: str = "default") -> Iterator[Any]:
    """Yield a cursor in a transaction in which the search path is this schema alone."""
    connection: Any = connections[using]
    try:
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL search_path TO {quoted(schema)}")
            yield cursor
    finally:
        # What the wrapper believes to be the path is no longer in force.
        connection.session.known.forget()


def _read(cursor: Any, schema: str) -> Found:
    cursor.execute("SELECT oid FROM pg_namespace WHERE nspname = %s", [schema])
    row = cursor.fetchone()
    if row is None:
        raise NamespaceFailed(f"There is no schema {schema}.", schema=schema)
    found = Found(cursor, schema, row[0])
    for read in _READERS:
        read(found)
    return found


def _as_definitions(found: Found) -> Definitions:
    return {piece.title: piece.definition for piece in found.pieces}


def definitions(schema: str, *, using: str = "default") -> Definitions:
    """Return what the schema is made of, its rows left out; raise NamespaceFailed if there is none."""
    with alone(schema, using=using) as cursor:
        return _as_definitions(_read(cursor, schema))


def record(
    schema: str,
    *,
    using: str = "default",
    mend: Callable[[Piece], Piece] | None = None,
    only: Collection[str] = (),
) -> Recording:
    """Return the schema as a script; raise TemplateUnusable if something cannot be made by one.

    ``mend`` rewrites the statements of the pieces named in ``only``; their definitions stay.
    """
    with alone(schema, using=using) as cursor:
        found = _read(cursor, schema)
        refuse_unknown(found)
        found.refuse(
            f"{piece.title}, which names the schema" for piece in found.pieces
            if schema in piece.definition
        )  # fmt: skip
        ordered = in_order(found)
        rows = read_rows(found)
    found.refuse("a row that names the schema" for row in rows if schema in row)
    kept = _as_definitions(found)
    if mend is not None:
        pieces = [mend(piece) if piece.title in only else piece for piece in found.pieces]
        ordered = [mend(piece) if piece.title in only else piece for piece in ordered]
        return Recording(write_script(pieces, ordered, rows), kept)
    return Recording(write_script(found.pieces, ordered, rows), kept)
