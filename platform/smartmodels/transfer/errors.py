"""What is refused about files and backups of namespaces."""

from __future__ import annotations

from smartmodels.exceptions import SmartModelsError

__all__ = ["ArchiveInvalid", "ArchiveNewer", "BackupUnknown", "BackupsUnavailable"]


class ArchiveInvalid(SmartModelsError):
    """The file is no namespace that an export wrote, or it was changed since: nothing was made of it."""

    code = "archive-invalid"
    status = 400


class ArchiveNewer(SmartModelsError):
    """The file comes from newer code than this: upgrade first, then import."""

    code = "archive-newer"
    status = 409


class BackupUnknown(SmartModelsError):
    """The namespace has no backup of this id: see ``manage.py namespace backup <slug> --list``."""

    code = "backup-unknown"
    status = 404


class BackupsUnavailable(SmartModelsError):
    """No backups are kept here, or their folder cannot be used: see ``SMARTMODELS_BACKUP_DIR``."""

    code = "backups-unavailable"
    status = 409
