"""What can go wrong with the platform's own PostgreSQL; every error has a code and says what to do next."""

from typing import ClassVar


class PostgresError(Exception):
    """The root of this package's errors; the message says what happened, to what, and what to do."""

    code: ClassVar[str] = "postgres_error"


class PostgresUnavailable(PostgresError):
    """No PostgreSQL server programs of a supported version were found."""

    code = "postgres_unavailable"


class PrivilegeMissing(PostgresError):
    """The caller is root, but may not become the unprivileged user that the server needs."""

    code = "privilege_missing"


class FolderNotOurs(PostgresError):
    """A folder or file the cluster needs belongs to somebody else, or cannot be reached."""

    code = "folder_not_ours"


class VersionMismatch(PostgresError):
    """The data directory was made by another major version than the programs found."""

    code = "version_mismatch"


class ClusterBusy(PostgresError):
    """Another process holds what is needed: the start lock, the data directory, or the running server."""

    code = "cluster_busy"


class ServerFailed(PostgresError):
    """initdb or the server itself gave up; the message carries the end of its log."""

    code = "server_failed"


class DatabaseRefused(PostgresError):
    """A database could not be made, copied or dropped."""

    code = "database_refused"
