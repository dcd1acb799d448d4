"""Fill the tables of a schema that nobody uses yet, without a trigger seeing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, OperationalError, connection, transaction

from smartmodels.exceptions import SmartModelsError
from smartmodels.tenancy.triggers import quoted
from smartmodels.transfer.archive import ArchiveReader, refuse
from smartmodels.transfer.catalogue import Table, qualified, sequences_of
from smartmodels.transfer.manifest import Manifest, Part

__all__ = ["check_tables", "copy_in", "filling", "load_tables", "quietly", "refusing_rows", "set_sequences"]


@contextmanager
def quietly(schema: str, tables: Sequence[Table]) -> Iterator[None]:
    """Let the block write the tables as one transaction with their triggers off.

    Foreign keys are checked when the block ends; then the triggers are on again.
    """
    names = [qualified(schema, table.name) for table in tables]
    with transaction.atomic(), connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        # Migrations of the same transaction may have left some to be checked at once.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield
        # Checks that are put off would keep the tables from being altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name in names:
            cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def filling(schema: str, tables: Sequence[Table]) -> Iterator[None]:
    """Empty the tables, and let the block fill them as :func:`quietly` does."""
    with quietly(schema, tables), connection.cursor() as cursor:
        if tables:
            names = (qualified(schema, table.name) for table in tables)
            cursor.execute(f"TRUNCATE {', '.join(names)}")
        yield


def check_tables(manifest: Manifest, tables: Iterable[Table]) -> None:
    """Raise ArchiveInvalid unless the archive has exactly these tables, columns and sequences."""
    expected = {table.name: table.columns for table in tables}
    given = {part.table: part.columns for part in manifest.tables}
    if given != expected:
        odd = sorted(name for name in {*given, *expected} if given.get(name) != expected.get(name))
        raise refuse(f"its table {odd[0]!r} is not what its migrations make.")


def copy_in(target: str, part: Part, reader: ArchiveReader) -> None:
    """COPY a file of the archive into a table; raise ArchiveInvalid if its rows are not what was said."""
    columns = ", ".join(map(quoted, part.columns))
    try:
        with connection.wrap_database_errors, connection.cursor() as cursor:
            with cursor.copy(f"COPY {target} ({columns}) FROM STDIN") as copy:
                for chunk in reader.chunks(part.file, part.sha256):
                    copy.write(chunk)
            rows = cursor.rowcount
    except OperationalError:
        raise
    except DatabaseError as error:
        raise refuse(f"PostgreSQL does not take the rows of {part.table}: {_line(error)}.") from error
    if rows != part.rows:
        raise refuse(f"{part.table} has {rows} rows and not {part.rows}.")


def load_tables(reader: ArchiveReader, manifest: Manifest, schema: str, progress: Any) -> None:
    """Fill the tables with the rows of the archive; use it inside :func:`filling`."""
    for part in manifest.tables:
        progress(part.table)
        copy_in(qualified(schema, part.table), part, reader)
    set_sequences(schema, manifest.sequences)


def set_sequences(schema: str, states: Mapping[str, tuple[int, bool]]) -> None:
    """Let the sequences go on from where they were."""
    sequences = sequences_of(schema)
    if set(sequences) != set(states):
        raise refuse("its sequences are not those of its tables.")
    try:
        with connection.cursor() as cursor:
            for place, (last, used) in states.items():
                cursor.execute(
                    "SELECT setval(%s::regclass, %s, %s)", [qualified(schema, sequences[place]), last, used]
                )
    except OperationalError:
        raise
    except DatabaseError as error:
        raise refuse(f"a sequence cannot be where it says: {_line(error)}.") from error


@contextmanager
def refusing_rows() -> Iterator[None]:
    """Turn what PostgreSQL says against the rows as a whole, such as a broken key, into ArchiveInvalid."""
    try:
        yield
    except (OperationalError, SmartModelsError):
        raise
    except DatabaseError as error:
        raise refuse(f"its rows do not fit together: {_line(error)}.") from error


def _line(error: DatabaseError) -> str:
    return " ".join(str(error).split()).rstrip(".")[:300]
