"""Uploaded files of rows that are copied into another namespace: into its own folder, whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.core.files import File
from django.db.models import FileField

from smartmodels.context import namespace_scope
from smartmodels.tenancy.uploads import NamespaceStorage, open_upload

__all__ = ["CopiedFiles", "upload_fields"]


def upload_fields(model: Any) -> list[Any]:
    """Return the fields of a model whose files lie in the folder of a namespace."""
    return [
        each
        for each in model._meta.concrete_fields
        if isinstance(each, FileField) and isinstance(each.storage, NamespaceStorage)
    ]


@dataclass(slots=True)
class CopiedFiles:
    """Copies files from ``home`` to ``target``; what was written is taken back by :meth:`forget`."""

    home: Any
    target: Any
    _made: list[tuple[Any, str]] = field(default_factory=list)

    @property
    def mark(self) -> int:
        """Return what :meth:`forget` goes back to."""
        return len(self._made)

    def copy(self, source: Any, made: Any) -> dict[str, str]:
        """Copy the files that the row ``source`` names for its copy; return their names there, by field.

        A file that is not there is left out. Raises OSError.
        """
        return {
            each.attname: self._one(each, source, made)
            for each in upload_fields(type(source))
            if getattr(source, each.attname)
        }

    def _one(self, field: Any, source: Any, made: Any) -> str:
        name = str(getattr(source, field.attname).name)
        file = open_upload(self.home.schema_name, name)
        if file is None:
            return ""
        with file, namespace_scope(self.target):
            wanted = field.generate_filename(made, name.rpartition("/")[2])
            stored: str = field.storage.save(wanted, File(file), max_length=field.max_length)
        self._made.append((field.storage, stored))
        return stored

    def forget(self, mark: int = 0) -> None:
        """Remove what was copied since the mark: the rows that would name it are not there."""
        with namespace_scope(self.target):
            while len(self._made) > mark:
                storage, name = self._made.pop()
                with suppress(OSError):
                    storage.delete(name)
