"""PgBouncer in transaction mode, before the test's server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from django.db import connection, connections

PGBOUNCER = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer")


def require_pgbouncer() -> None:
    """Skip the test where PgBouncer cannot run."""
    if PGBOUNCER is None:
        pytest.skip("no pgbouncer on the PATH (or in PGBOUNCER)")
    if sys.platform != "linux":
        pytest.skip("PgBouncer runs as the server's user by Linux' rules")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(address: str, process: "subprocess.Popen[str]") -> None:
    for _ in range(100):
        with suppress(psycopg.OperationalError):
            psycopg.connect(address).close()
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    pytest.fail(f"PgBouncer does not answer: {process.communicate(timeout=5)[1]}")


def _configure(folder: Path, database: str, port: int, *, processes: int) -> Path:
    server = connection.get_connection_params()
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n{database} = host={server['host']} port={server.get('port') or 5432}"
        f" user={server['user']} pool_size={processes}\n"
        f"[pgbouncer]\npool_mode = transaction\nauth_type = any\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nserver_reset_query =\nmax_client_conn = 100\n"
    )
    return config


@contextmanager
def pgbouncer(database: str, *, processes: int = 3) -> Iterator[None]:
    """Let Django reach the database through PgBouncer, which uses so many server processes."""
    server = connection.get_connection_params()
    owner = Path(f"{server['host']}/.s.PGSQL.{server.get('port') or 5432}").stat()
    with tempfile.TemporaryDirectory(prefix="pgb-", dir="/tmp") as folder:
        port = _free_port()
        config = _configure(Path(folder), database, port, processes=processes)
        for path in (folder, config):
            os.chown(path, owner.st_uid, owner.st_gid)
        # It refuses to run as root, and the server lets in its own user.
        user = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
        process = subprocess.Popen([str(PGBOUNCER), str(config)], stderr=subprocess.PIPE, text=True, **user)
        try:
            _wait_for(f"postgresql://{server['user']}@127.0.0.1:{port}/{database}", process)
            with connected(HOST="127.0.0.1", PORT=str(port)):
                yield
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)


@contextmanager
def connected(**address: str) -> Iterator[None]:
    """Let Django connect to this address; names are those of DATABASES."""
    before = {name: connection.settings_dict[name] for name in address}
    connections.close_all()
    connection.settings_dict.update(address)
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict.update(before)
