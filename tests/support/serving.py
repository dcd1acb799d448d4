"""`manage.py serve` in a process of its own, on the test's database."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.databases import ROOT
from tests.support.waiting import wait_until

STOP_SECONDS = 20


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextmanager
def serving(log: Path) -> Iterator[int]:
    """Serve the database that DATABASE_URL names on a port of loopback; yield the port."""
    port = _unused_port()
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", "1", "--quiet"]
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env=dict(os.environ), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: server.poll() is not None or _answers(port), "Serving", seconds=60)
        assert server.poll() is None, log.read_text()
        yield port
    finally:
        server.terminate()
        server.wait(STOP_SECONDS)
