"""One server process: its data directory, its start, its stop, and whether it still lives.

The server inherits a descriptor on which its starter took a lock. The kernel keeps that lock until the last
process of the server is gone: whether it runs never depends on a process id that may be another's by now.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from config.postgres.binaries import Binaries
from config.postgres.errors import (
    ClusterBusy,
    PostgresUnavailable,
    PrivilegeMissing,
    ServerFailed,
    VersionMismatch,
)
from config.postgres.locks import is_free, open_lock, wait_for_lock
from config.postgres.privileges import follow_owner, give, run_as
from config.postgres.site import PORT, SOCKET_NAME, Site

START_SECONDS = 120.0
DYING_SECONDS = 10.0
STOP_SECONDS = 60.0
PAUSE_SECONDS = 0.01
BUILTIN_LOCALES_SINCE = 17
LOG_BYTES = 10_000_000
SUPERUSER = "postgres"
ROLE = "smartmodels"
# PostgreSQL's words for "a dead server has not let go yet".
NOT_YET_GONE = ("shared memory block", 'lock file "postmaster.pid" already exists')
ACCESS = "local all all peer map=platform\nlocal replication all peer map=platform\n"

BASE_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "max_locks_per_transaction": "256",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FLEETING_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def is_running(site: Site) -> bool:
    """Whether any process of the site's server lives; the caller holds the start lock."""
    return site.folder.is_dir() and not is_free(site.server)


def initialise(site: Site, binaries: Binaries, *, durable: bool) -> None:
    """Make the data directory if there is none; made beside its place and renamed, it is whole or absent.

    Raises ServerFailed, VersionMismatch, PostgresUnavailable.
    """
    if site.data.exists():
        _demand_same_version(site, binaries)
        return
    _demand_quotable(binaries)
    for leftover in site.folder.glob("initdb-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix="initdb-", dir=site.folder))
    give(draft, site.account, 0o700)
    command: list[str | Path] = [
        binaries.program("initdb"),
        "--pgdata",
        draft,
        *_initdb_options(binaries.major),
    ]
    outcome = run_as(site.account, command if durable else [*command, "--no-sync"])
    if outcome.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise ServerFailed(
            f"PostgreSQL could not make a data directory in {site.folder}: {outcome.stdout.strip()[-600:]} "
            "Look for a full disk or missing rights there, then try again."
        )
    draft.rename(site.data)


def start(site: Site, binaries: Binaries, settings: Mapping[str, str]) -> None:
    """Start the server and wait until it answers; the caller holds the start lock and saw that none runs.

    Retries while a killed server still holds its shared memory. Raises ServerFailed, ClusterBusy.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        _forget_dead_postmaster(site)
        logged = _spawn(site, binaries, settings)
        if _answers(site, deadline):
            return
        said = _said(site, logged)
        if time.monotonic() > deadline - START_SECONDS + DYING_SECONDS or not any(
            words in said for words in NOT_YET_GONE
        ):
            raise ServerFailed(
                f"PostgreSQL {binaries.version} ({binaries.origin}) did not start in {site.folder}: "
                f"{said.strip()[-600:]} See {site.log}."
            )
        time.sleep(PAUSE_SECONDS * 10)


def wait_until_ready(site: Site) -> bool:
    """Wait for a running server, which may be recovering or, with its head cut off, on its way out.

    Whether it answers; False when it is gone and can be started. Raises ServerFailed when it does neither.
    """
    if _answers(site, time.monotonic() + START_SECONDS):
        return True
    if is_free(site.server):
        return False
    raise ServerFailed(f"PostgreSQL in {site.folder} runs but does not answer: see {site.log}.")


def stop(site: Site) -> None:
    """Shut the server down cleanly: clients are cut off, nothing committed is lost; a no-op when none runs.

    Raises ClusterBusy when it does not go, PrivilegeMissing when the caller may not signal it.
    """
    if is_free(site.server):
        return
    for request, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, DYING_SECONDS)):
        pid = postmaster_pid(site.data)
        if pid is not None:
            _signal(pid, request)
        if _is_gone(site, seconds):
            _remove_short_socket_folder(site)
            return
    raise ClusterBusy(f"PostgreSQL in {site.folder} does not stop: see {site.log}.")


def postmaster_pid(data: Path) -> int | None:
    """The process id of this data directory's living server; None for a stale file or a foreign process."""
    pid = _noted_pid(data)
    return pid if pid is not None and _serves(pid, data) else None


def connect(site: Site, *, role: str = SUPERUSER, database: str = "postgres") -> psycopg.Connection:
    """A connection in autocommit mode. Raises psycopg.OperationalError."""
    return psycopg.connect(
        host=str(site.sockets), port=PORT, user=role, dbname=database, autocommit=True, connect_timeout=10
    )


def _initdb_options(major: int) -> list[str]:
    options = [f"--username={SUPERUSER}", "--auth=peer", "--encoding=UTF8", "--data-checksums"]
    if major >= BUILTIN_LOCALES_SINCE:
        return [*options, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [*options, "--locale=C" if sys.platform == "darwin" else "--locale=C.UTF-8"]


def _demand_quotable(binaries: Binaries) -> None:
    # initdb puts its own path between double quotes into a shell command.
    if set(str(binaries.folder)) & set('"$`\\'):
        raise PostgresUnavailable(
            f"PostgreSQL cannot work from {binaries.folder}, because of a character that the shell reads: "
            "move it, or the checkout, to a path without quotes, dollar signs and backslashes."
        )


def _demand_same_version(site: Site, binaries: Binaries) -> None:
    made_by = (site.data / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != str(binaries.major):
        raise VersionMismatch(
            f"The data in {site.data} was made by PostgreSQL {made_by}, but the programs found are "
            f"{binaries.version} ({binaries.origin}): set POSTGRES_BIN to the bin folder "
            f"of a PostgreSQL {made_by}, or copy what you need with pg_dump and remove it with './dev clean'."
        )


def _forget_dead_postmaster(site: Site) -> None:
    """Remove lock files that name a process which is not a server of ours.

    PostgreSQL itself takes any living process with that number, even a zombie, for its predecessor and gives
    up. A postmaster.pid whose number is free is left to it: it then also looks for orphans in shared memory.
    """
    pid = _noted_pid(site.data)
    if pid is not None and _serves(pid, site.data):
        raise ClusterBusy(
            f"Process {pid} serves {site.data} but was not started from here: stop it with "
            f"'pg_ctl stop -D {site.data}' and try again."
        )
    (site.sockets / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
    if pid is not None and _exists(pid):
        (site.data / "postmaster.pid").unlink(missing_ok=True)


def _spawn(site: Site, binaries: Binaries, settings: Mapping[str, str]) -> int:
    """Start the server as nobody's child, so that it leaves no zombie here; the size the log had before."""
    _write_access_rules(site)
    command: list[str | Path] = [binaries.program("postgres"), "-D", site.data]
    for name, value in {**settings, **_own_settings(site)}.items():
        command += ["-c", f"{name}={value}"]
    lock, log = open_lock(site.server), _open_log(site.log)
    try:
        logged = os.fstat(log).st_size
        if not wait_for_lock(lock, DYING_SECONDS):
            raise ClusterBusy(f"A killed server in {site.folder} still has living processes: end them.")
        run_as(site.account, ["/bin/sh", "-c", '"$@" &', "sh", *command], output=log, keep=[lock])
    finally:
        os.close(lock)
        os.close(log)
    return logged


def _own_settings(site: Site) -> dict[str, str]:
    quoted = str(site.sockets).replace('"', '""')
    return {
        "unix_socket_directories": f'"{quoted}"',
        "hba_file": str(site.folder / "pg_hba.conf"),
        "ident_file": str(site.folder / "pg_ident.conf"),
    }


def _write_access_rules(site: Site) -> None:
    """Let in the server's user and root, who reach the socket anyway, as either role, without a password."""
    users = dict.fromkeys((site.account.name, "root"))
    lines = [f'platform "{user}" {role}\n' for user in users for role in (SUPERUSER, ROLE)]
    for name, text in (("pg_hba.conf", ACCESS), ("pg_ident.conf", "".join(lines))):
        path = site.folder / name
        path.write_text(text, encoding="utf-8")
        give(path, site.control, 0o644)


def _open_log(path: Path) -> int:
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    follow_owner(path)
    return log


def _said(site: Site, logged: int) -> str:
    with site.log.open("rb") as log:
        log.seek(logged)
        return log.read().decode("utf-8", "replace")


def _answers(site: Site, deadline: float) -> bool:
    """Whether the server answers before the deadline; False as soon as its last process is gone."""
    while time.monotonic() < deadline:
        try:
            connect(site).close()
        except psycopg.OperationalError:
            if is_free(site.server):
                return False
            time.sleep(PAUSE_SECONDS)
        else:
            return True
    return False


def _is_gone(site: Site, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not is_free(site.server):
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def _remove_short_socket_folder(site: Site) -> None:
    if site.sockets.parent != site.folder and site.sockets.is_dir():
        shutil.rmtree(site.sockets, ignore_errors=True)


def _noted_pid(data: Path) -> int | None:
    try:
        first = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n", 1)[0]
    except FileNotFoundError:
        return None
    return int(first) if first.strip().isdecimal() else None


def _serves(pid: int, data: Path) -> bool:
    """Whether the process is a server of this data directory; a zombie is none."""
    if sys.platform == "linux":
        program, *arguments = _read_arguments(pid).split("\0", 3)
        return program.endswith("postgres") and arguments[:2] == ["-D", str(data)]
    command = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return f"postgres -D {data} " in f"{listed.strip()} "


def _read_arguments(pid: int) -> str:
    # Everybody may read this file; /proc/<pid>/cwd needs a right that root lacks in most containers.
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _signal(pid: int, request: signal.Signals) -> None:
    try:
        os.kill(pid, request)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise PrivilegeMissing(
            f"Process {pid} is another user's server: stop it as that user or root."
        ) from error
