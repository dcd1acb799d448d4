"""PostgreSQL without an installation: find the programs, run a cluster in a folder, say its DATABASE_URL."""

from config.postgres.binaries import Binaries, find_binaries, installed_binaries
from config.postgres.cluster import Cluster, ClusterStatus, stop_server
from config.postgres.errors import (
    ClusterBusy,
    DatabaseRefused,
    FolderNotOurs,
    PostgresError,
    PostgresUnavailable,
    PrivilegeMissing,
    ServerFailed,
    VersionMismatch,
)
from config.postgres.settle import DATABASE, application_folder, data_folder, settle

__all__ = [
    "DATABASE",
    "Binaries",
    "Cluster",
    "ClusterBusy",
    "ClusterStatus",
    "DatabaseRefused",
    "FolderNotOurs",
    "PostgresError",
    "PostgresUnavailable",
    "PrivilegeMissing",
    "ServerFailed",
    "VersionMismatch",
    "application_folder",
    "data_folder",
    "find_binaries",
    "installed_binaries",
    "settle",
    "stop_server",
]
