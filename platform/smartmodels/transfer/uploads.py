"""Files that rows of a namespace name: which they are, and how they get into an archive and out of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from django.core.exceptions import SuspiciousFileOperation
from django.db import connection
from django.db.models import FileField

from smartmodels.conf import settings
from smartmodels.exceptions import InvalidInput
from smartmodels.history import history_model, tracked_models
from smartmodels.tenancy.placement import tenant_models
from smartmodels.tenancy.triggers import quoted
from smartmodels.tenancy.uploads import NamespaceStorage, open_upload, store_upload
from smartmodels.transfer.archive import CHUNK, ArchiveReader, ArchiveWriter, refuse
from smartmodels.transfer.catalogue import Table, qualified
from smartmodels.transfer.manifest import MOST_FILES, Manifest, Upload

__all__ = ["copy_uploads", "forget_uploads", "load_uploads", "require_bounded", "write_uploads"]


def _columns() -> dict[str, set[str]]:
    """Return the columns that hold names of files, by table; those of versions as well."""
    found: dict[str, set[str]] = {}
    tracked = set(tracked_models())
    for model in tenant_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, FileField) and isinstance(field.storage, NamespaceStorage):
                found.setdefault(model._meta.db_table, set()).add(str(field.column))
                if model in tracked:
                    versions = history_model(model)._meta.db_table
                    found.setdefault(versions, set()).add(str(field.column))
    return found


def _named(schema: str, tables: Iterable[Table]) -> list[str]:
    """Return the names of all files that rows and versions name, sorted by code point."""
    columns = _columns()
    reads = [
        f"SELECT {quoted(name)}::text FROM {qualified(schema, table.name)} WHERE {quoted(name)} <> ''"  # noqa: S608
        for table in tables
        for name in sorted(columns.get(table.name, set()) & table.types.keys())
    ]
    if not reads:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT name FROM ({" UNION ".join(reads)}) AS named (name) ORDER BY name COLLATE "C" LIMIT %s',  # noqa: S608
            [MOST_FILES + 1],
        )
        names = [name for (name,) in cursor.fetchall()]
    if len(names) > MOST_FILES:
        raise InvalidInput(f"The rows name more than {MOST_FILES} files: --no-files leaves them out.")
    return names


def forget_uploads(cursor: Any, schema: str, tables: Sequence[Table]) -> None:
    """Let no row and no version name a file: what a file is called, too, may say who somebody is."""
    columns = _columns()
    for table in tables:
        for name in sorted(columns.get(table.name, set()) & table.types.keys()):
            cursor.execute(
                f"UPDATE {qualified(schema, table.name)} SET {quoted(name)} = '' "  # noqa: S608
                f"WHERE {quoted(name)} <> ''"
            )


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def write_uploads(
    writer: ArchiveWriter, schema: str, tables: Sequence[Table]
) -> tuple[tuple[Upload, ...], tuple[str, ...]]:
    """Write the files that rows name; return them, and the names of those that are not there."""
    held: list[Upload] = []
    missing, total = [], 0
    too_much = InvalidInput(
        "Uploaded files are more bytes than SMARTMODELS_TRANSFER_FILE_BYTES: --no-files leaves them out."
    )
    for name in _named(schema, tables):
        file = open_upload(schema, name)
        if file is None:
            missing.append(name)
            continue
        with file:
            total += os.fstat(file.fileno()).st_size
            require_bounded(total, too_much)
            member = writer.add(f"files/{len(held):06}", _chunks(file))
        held.append(Upload(name, member.name, member.size, member.sha256))
    return tuple(held), tuple(missing)


def require_bounded(total: int, error: Exception) -> None:
    """Raise the error if that is more bytes than ``SMARTMODELS_TRANSFER_FILE_BYTES``."""
    if total > settings().TRANSFER_FILE_BYTES:
        raise error


def load_uploads(reader: ArchiveReader, manifest: Manifest, schema: str) -> None:
    """Write the files of the archive into the folder of a schema that is new."""
    for file in manifest.files:
        _store(schema, file.name, reader.chunks(file.file, file.sha256))


def _store(schema: str, name: str, chunks: Iterable[bytes]) -> None:
    try:
        store_upload(schema, name, chunks)
    except (OSError, SuspiciousFileOperation) as error:
        said = error.strerror if isinstance(error, OSError) else "its name is no path below a folder"
        raise refuse(f"the uploaded file {name[:100]!r} cannot be stored: {said}.") from error


def copy_uploads(source: str, target: str, tables: Sequence[Table]) -> tuple[int, tuple[str, ...]]:
    """Copy what the rows of ``target`` name; return how many files, and the names of those not there."""
    copied, missing = 0, []
    for name in _named(target, tables):
        file: Any = open_upload(source, name)
        if file is None:
            missing.append(name)
            continue
        with file:
            _store(target, name, _chunks(file))
        copied += 1
    return copied, tuple(missing)
