"""Files that people upload: each namespace has a folder of its own, below the name of its schema.

A name that stands in a row is looked up in the folder of the namespace that is bound, so that no row reaches
a file of another one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from django.conf import settings as django_settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage
from django.utils._os import safe_join

from smartmodels.context import require_namespace
from smartmodels.tenancy.names import is_schema_name

__all__ = [
    "NamespaceStorage",
    "is_safe",
    "open_upload",
    "remove_uploads",
    "store_upload",
    "upload_folders",
]

_LONGEST, _LONGEST_PART = 500, 255


class NamespaceStorage(FileSystemStorage):
    """Django's files in a folder, of which the bound namespace has its own; unbound it has none.

    Raises NamespaceNotBound when no namespace is bound.
    """

    @property
    def location(self) -> str:
        """Return the folder of the bound namespace."""
        return str(_folder(require_namespace().schema_name))


def _folder(schema: str) -> Path:
    return Path(os.path.abspath(django_settings.MEDIA_ROOT)) / schema  # noqa: PTH100 - links are followed


def is_safe(name: str) -> bool:
    """Tell whether the name is a plain path below a folder."""
    parts = name.split("/")
    return (
        len(name) <= _LONGEST
        and not {"\\", "\x00"} & set(name)
        and not {"", ".", ".."} & set(parts)
        and all(len(part.encode()) <= _LONGEST_PART for part in parts)
    )


def _path(schema: str, name: str) -> Path:
    if not is_safe(name):
        raise SuspiciousFileOperation(f"{name[:100]!r} is no name of an uploaded file.")
    return Path(safe_join(_folder(schema), name))


def open_upload(schema: str, name: str) -> BinaryIO | None:
    """Open a file of a schema's folder; None if there is none of that name."""
    try:
        return _path(schema, name).open("rb")
    except (OSError, SuspiciousFileOperation):
        return None


def store_upload(schema: str, name: str, chunks: Iterable[bytes]) -> None:
    """Write a new file into a schema's folder, on the disk when this returns; raises OSError."""
    path = _path(schema, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def upload_folders() -> dict[str, int]:
    """Return the folders that are called as schemas of namespaces are, with how many files each holds."""
    if not django_settings.MEDIA_ROOT:
        return {}
    root = Path(django_settings.MEDIA_ROOT)
    found = root.iterdir() if root.is_dir() else ()
    return {
        folder.name: sum(len(files) for _, _, files in os.walk(folder))
        for folder in sorted(found)
        if is_schema_name(folder.name) and folder.is_dir() and not folder.is_symlink()
    }


def remove_uploads(schema: str) -> None:
    """Remove the folder of a schema that is gone, with all that is in it."""
    if django_settings.MEDIA_ROOT and is_safe(schema) and "/" not in schema:
        shutil.rmtree(_folder(schema), ignore_errors=True)
