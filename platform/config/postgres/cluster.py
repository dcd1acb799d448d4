"""The public face of a cluster: join it, leave it, make databases in it.

Starting and stopping happen under one lock. Every user holds a shared lock on the file `users`; who
leaves and can take that lock alone was the last one and stops the server.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from config.postgres import server
from config.postgres.binaries import Binaries
from config.postgres.errors import ClusterBusy, DatabaseRefused, FolderNotOurs, PostgresError
from config.postgres.locks import exclusive, is_free, open_lock, try_lock
from config.postgres.privileges import follow_owner
from config.postgres.site import PORT, Site, existing_site, prepare_site, start_lock, usable_binaries

LOCK_SECONDS = 120.0
NAME_BYTES = 63
SYSTEM_DATABASES = frozenset({"postgres", "template0", "template1"})


@dataclass(frozen=True)
class ClusterStatus:
    """What is known of a cluster without touching it."""

    running: bool
    kept: bool
    folder: Path | None
    sockets: Path | None
    pid: int | None
    user: str | None


class Cluster:
    """A PostgreSQL cluster in a folder, on a unix socket, shared by any number of processes.

    `durable=False` trades safety against a crash of the machine for speed; tests only. So does `in_memory`:
    a new cluster then keeps its files in memory, where the system offers that and there is room.
    `settings` are server settings (postgresql.conf names); a server that runs already keeps its own.
    `keep=True` leaves the server running when its last user leaves, until `stop`.
    """

    def __init__(  # noqa: PLR0913 - all but the folder by keyword
        self,
        folder: Path,
        *,
        binaries: Binaries,
        durable: bool = True,
        in_memory: bool = False,
        settings: Mapping[str, str] | None = None,
        keep: bool = False,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self.folder = folder.resolve()
        self.binaries = binaries
        self._durable = durable
        self._in_memory = in_memory
        self._keep = keep
        self._env = env
        self._settings = {
            **server.BASE_SETTINGS,
            **({} if durable else server.FLEETING_SETTINGS),
            **(settings or {}),
        }
        self._joined: Site | None = None
        self._use: int | None = None
        self._pid = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def site(self) -> Site:
        """Where the cluster lives. Raises PostgresError before `start`."""
        if self._joined is None:
            raise PostgresError(f"The cluster in {self.folder} was not started: call start() first.")
        return self._joined

    def start(self) -> None:
        """Join the cluster: make it, start it, or find it running. A second call does nothing.

        Raises PrivilegeMissing, FolderNotOurs, VersionMismatch, ClusterBusy, ServerFailed.
        """
        if self._use is not None and self._pid == os.getpid():
            return
        with _alone(self.folder):
            site = prepare_site(self.folder, self._env, in_memory=self._in_memory)
            use = open_lock(site.users)
            try:
                try_lock(use, shared=True)
                self._ensure_running(site)
            except BaseException:
                os.close(use)
                raise
            if self._keep:
                site.keep.touch()
                follow_owner(site.keep)
        self._joined, self._use, self._pid = site, use, os.getpid()

    def close(self) -> None:
        """Leave the cluster; its last user stops the server, unless it is kept. May be called twice."""
        if self._use is None:
            return
        use, self._use = self._use, None
        if self._pid != os.getpid():
            # A forked copy: the lock belongs to the parent too, and so does the decision to stop.
            os.close(use)
            return
        with _alone(self.folder):
            os.close(use)
            if not self.site.keep.exists() and is_free(self.site.users):
                server.stop(self.site)

    def stop(self, *, force: bool = False) -> bool:
        """Leave the cluster and stop its server, as `stop_server` does."""
        self._leave()
        return stop_server(self.folder, env=self._env, force=force)

    def status(self) -> ClusterStatus:
        """Whether the server runs, where, and as whom; makes and changes nothing."""
        site = existing_site(self.folder, self._env) if self.folder.parent.is_dir() else None
        if site is None or not site.server.exists():
            return ClusterStatus(
                running=False,
                kept=False,
                folder=site.folder if site else None,
                sockets=None,
                pid=None,
                user=None,
            )
        running = server.is_running(site)
        return ClusterStatus(
            running=running,
            kept=site.keep.exists(),
            folder=site.folder,
            sockets=site.sockets,
            pid=server.postmaster_pid(site.data) if running else None,
            user=site.account.name,
        )

    def url(self, database: str, role: str = server.ROLE) -> str:
        """A DATABASE_URL for this database: over the socket, without a password."""
        host = quote(str(self.site.sockets), safe="")
        return f"postgresql://{quote(role, safe='')}@/{quote(database, safe='')}?host={host}&port={PORT}"

    def ensure_database(self, name: str) -> bool:
        """Make the database unless it exists; whether it was made. Raises DatabaseRefused."""
        _demand_name(name)
        with self._superuser(name) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return False
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            try:
                connection.execute(statement.format(sql.Identifier(name), sql.Identifier(server.ROLE)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return False
        return True

    def create_from_template(self, name: str, template: str) -> None:
        """Copy a database nobody is connected to. Raises DatabaseRefused, also when the name is taken."""
        _demand_name(name)
        _demand_name(template)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
        names = (sql.Identifier(each) for each in (name, template, server.ROLE))
        with self._superuser(name) as connection:
            connection.execute(statement.format(*names))

    def drop_database(self, name: str) -> None:
        """Drop the database if it exists, and whoever is connected with it. Raises DatabaseRefused."""
        _demand_name(name)
        with self._superuser(name) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def _ensure_running(self, site: Site) -> None:
        if server.is_running(site) and server.wait_until_ready(site):
            return
        binaries = usable_binaries(site, self.binaries)
        server.initialise(site, binaries, durable=self._durable)
        server.start(site, binaries, self._settings)
        with server.connect(site) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [server.ROLE]).fetchone():
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(server.ROLE))
                )

    def _leave(self) -> None:
        use, self._use = self._use, None
        if use is not None:
            os.close(use)

    @contextmanager
    def _superuser(self, name: str) -> Iterator[psycopg.Connection]:
        try:
            with server.connect(self.site) as connection:
                yield connection
        except psycopg.Error as error:
            raise DatabaseRefused(
                f"PostgreSQL in {self.folder} refused for database {name!r}: {error}"
            ) from error


def stop_server(folder: Path, *, env: Mapping[str, str], force: bool = False) -> bool:
    """Stop the server of the cluster in this folder, kept or not; whether one ran. Needs no binaries.

    Raises ClusterBusy while others use it, unless `force`.
    """
    if not folder.parent.is_dir():
        return False
    with _alone(folder):
        site = existing_site(folder, env)
        if site is None or not server.is_running(site):
            return False
        if not force and not is_free(site.users):
            raise ClusterBusy(
                f"Other processes use PostgreSQL in {site.folder}: end them first "
                f"('fuser {site.users}' lists them), or stop it all the same with --force."
            )
        site.keep.unlink(missing_ok=True)
        server.stop(site)
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock under which the cluster is started and stopped."""
    try:
        if not folder.parent.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            follow_owner(folder.parent)
    except OSError as error:
        raise FolderNotOurs(
            f"{folder.parent} cannot be made ({error.strerror}): run as the user who owns the checkout."
        ) from error
    with exclusive(start_lock(folder), LOCK_SECONDS):
        yield


def _demand_name(name: str) -> None:
    if not name or "\0" in name or len(name.encode()) > NAME_BYTES or name in SYSTEM_DATABASES:
        raise DatabaseRefused(
            f"{name!r} cannot be used as a database name: choose 1 to {NAME_BYTES} bytes that are none of "
            f"{', '.join(sorted(SYSTEM_DATABASES))}."
        )
