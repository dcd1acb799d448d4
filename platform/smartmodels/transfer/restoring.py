"""Bring a namespace back to a backup, or make a new one of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError

from smartmodels.exceptions import SmartModelsError
from smartmodels.tenancy.names import new_schema_name
from smartmodels.tenancy.provisioning import exclusively
from smartmodels.tenancy.provisioning.finding import reload
from smartmodels.tenancy.schemas import drop_schema
from smartmodels.tenancy.setting_aside import identity_of
from smartmodels.transfer.accounts import Owners
from smartmodels.transfer.backups import open_backup
from smartmodels.transfer.exporting import Progress, require_rows, silent
from smartmodels.transfer.fresh import Beside
from smartmodels.transfer.importing import Imported, Wish, check_archive, import_namespace, load_archive
from smartmodels.transfer.manifest import Manifest
from smartmodels.transfer.recording import recording
from smartmodels.transfer.swapping import drop_set_aside, swap

__all__ = ["Restored", "plan_restore", "restore_as", "restore_namespace"]


@dataclass(frozen=True, slots=True)
class Restored:
    """A namespace that was brought back: how many rows it has, and the schemas that were kept or dropped."""

    namespace: Any
    rows: int
    kept: str | None
    dropped: tuple[str, ...]


def plan_restore(namespace: Any, backup_id: str, *, progress: Progress = silent) -> Manifest:
    """Read a backup from end to end; return what it holds. Raises what :func:`restore_namespace` would."""
    require_rows(namespace)
    with open_backup(namespace, backup_id) as file:
        return check_archive(file, progress=progress)[1]


def restore_namespace(
    namespace: Any, backup_id: str, *, drop_old: bool = False, progress: Progress = silent
) -> Restored:
    """Bring the namespace back to a backup of it, beside its live schema; then serve it from there.

    Until all is loaded and verified the live schema is served and written; the swap is one transaction.
    What it held stays in a schema set aside, unless ``drop_old``. Members, hosts and grants are not
    touched. Raises BackupUnknown, ArchiveInvalid, ArchiveNewer and NamespaceBusy.
    """
    require_rows(namespace)
    with recording("restore", namespace, backup=backup_id), exclusively(namespace):
        reload(namespace)
        require_rows(namespace)
        with open_backup(namespace, backup_id) as file:
            reader, manifest = check_archive(file, progress=progress)
            name = new_schema_name(namespace.slug)
            target = Beside(identity_of(namespace, name), namespace.slug, name)
            try:
                load_archive(reader, manifest, target, owners=Owners.CREATE, progress=progress)
                progress("swap")
                old = swap(namespace, name)
            except BaseException:
                # What cannot be dropped now is a schema set aside.
                with suppress(DatabaseError, SmartModelsError):
                    drop_schema(name, target.pk)
                raise
        dropped = tuple(drop_set_aside(namespace)) if drop_old else ()
    return Restored(namespace, manifest.rows, None if drop_old else old, dropped)


def restore_as(namespace: Any, backup_id: str, wish: Wish, *, progress: Progress = silent) -> Imported:
    """Make a new namespace of a backup, beside the one it was made of."""
    with open_backup(namespace, backup_id) as file:
        return import_namespace(file, wish, progress=progress)
