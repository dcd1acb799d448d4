"""Backups of one namespace: exports in a folder of its own, found by id and never by a path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from smartmodels.conf import settings
from smartmodels.exceptions import InvalidInput
from smartmodels.tenancy.provisioning import exclusively
from smartmodels.tenancy.provisioning.finding import reload
from smartmodels.transfer.errors import BackupsUnavailable, BackupUnknown
from smartmodels.transfer.exporting import Progress, export_namespace, require_rows, silent
from smartmodels.transfer.files import PARTIAL, new_file
from smartmodels.transfer.recording import recording

__all__ = ["Backup", "back_up", "list_backups", "open_backup"]

_ID = "%Y%m%dT%H%M%S%fZ"
_SHAPE = re.compile(r"\d{8}T\d{12}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup: its id, which is the moment it was begun (UTC), and its size in bytes."""

    id: str
    made_at: datetime
    bytes: int


def _folder(namespace: Any) -> Path:
    if settings().BACKUP_DIR is None:
        raise BackupsUnavailable("No backups are kept here: set SMARTMODELS_BACKUP_DIR to a folder for them.")
    return Path(settings().BACKUP_DIR or "") / str(namespace.pk)


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupsUnavailable(
            f"The folder of SMARTMODELS_BACKUP_DIR cannot be used: {error.strerror}. Nothing was changed."
        ) from error


def _backup(path: Path) -> Backup:
    made_at = datetime.strptime(path.stem, _ID).replace(tzinfo=UTC)
    return Backup(path.stem, made_at, path.stat().st_size)


def list_backups(namespace: Any) -> list[Backup]:
    """Return the namespace's backups, the newest first; raise BackupsUnavailable when none are kept here."""
    folder = _folder(namespace)
    with _reachable():
        found = [path for path in folder.glob("*.tar") if _SHAPE.fullmatch(path.stem)]
        return sorted(map(_backup, found), key=lambda backup: backup.id, reverse=True)


def back_up(
    namespace: Any, *, keep: int | None = None, files: bool = True, progress: Progress = silent
) -> Backup:
    """Export the namespace into its folder; return the backup, which is complete and on the disk.

    Uploaded files are in it unless not ``files``.

    Of those that there are, the ``keep`` newest stay; None keeps all. Raises InvalidInput and NamespaceBusy.
    """
    require_rows(namespace)
    if keep is not None and keep < 1:
        raise InvalidInput("At least one backup is kept: say --keep 1 or more.", field="keep")
    folder = _folder(namespace)
    path = folder / f"{datetime.now(UTC).strftime(_ID)}.tar"
    with recording("backup", namespace), exclusively(namespace), _reachable():
        reload(namespace)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # What a killed process left; nobody else writes here now.
        for left in folder.glob(f".*{PARTIAL}"):
            left.unlink()
        with new_file(path) as file:
            export_namespace(namespace, file, files=files, progress=progress)
        for old in list_backups(namespace)[keep:] if keep is not None else ():
            (folder / f"{old.id}.tar").unlink(missing_ok=True)
        return _backup(path)


@contextmanager
def open_backup(namespace: Any, backup_id: str) -> Iterator[BinaryIO]:
    """Open a backup by its id, or the newest by ``latest``; raise BackupUnknown if there is none."""
    if backup_id == "latest":
        backup_id = next((each.id for each in list_backups(namespace)), "")
    path = _folder(namespace) / f"{backup_id}.tar"
    if not _SHAPE.fullmatch(backup_id) or not path.is_file():
        raise BackupUnknown(
            f"{namespace.slug} has no backup {backup_id[:40]!r}: "
            f"see `namespace backup {namespace.slug} --list`.",
            slug=namespace.slug,
        )
    with _reachable():
        file = path.open("rb")
    with file:
        yield file
