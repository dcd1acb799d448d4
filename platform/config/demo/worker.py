"""The worker that runs beside the demo's server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connections

__all__ = ["Worker", "worker_beside"]

_GRACE_SECONDS = 5
_PATIENCE_SECONDS = 10


class Worker:
    """A worker in a process of its own, started again when it ends unasked."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._process = self._start()

    def tend(self) -> None:
        """Start the worker again if it is gone."""
        code = self._process.poll()
        if code is not None:
            how = f"was killed (signal {-code})" if code < 0 else f"ended (exit code {code})"
            sys.stderr.write(f"The worker {how}; it is started again.\n")
            self._process = self._start()

    def stop(self) -> None:
        """End it; in processes forked from the one that started it, do nothing."""
        if os.getpid() != self._owner:
            # Not their child: nothing to warn of, least of all while a signal ends them.
            self._process.returncode = 0
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        sys.stderr.write("\nStopped.\n")

    @staticmethod
    def _start() -> subprocess.Popen[bytes]:
        manage = str(Path(settings.ROOT) / "manage.py")
        return subprocess.Popen(
            [sys.executable, manage, "worker", "--with-parent", "--grace", str(_GRACE_SECONDS)],
            stdin=subprocess.DEVNULL,
            # Out of reach of Ctrl-C, which it might meet while it is still being loaded.
            start_new_session=True,
        )


@contextmanager
def worker_beside() -> Iterator[Worker]:
    """Run a worker beside the block; leave nothing running."""
    # The server's processes are forked from this one and must not share its connection.
    connections.close_all()
    worker = Worker()
    try:
        yield worker
    finally:
        # The server's processes leave through here as well.
        worker.stop()
