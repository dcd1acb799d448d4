"""Workers in processes of their own, on the test's database."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from django.db import connection

from shared_apps.operations.models import Job
from smartmodels.jobs import JobState
from tests.support.databases import ROOT
from tests.support.waiting import wait_until

BRISK = {"SMARTMODELS_JOB_HEARTBEAT": 0.2, "SMARTMODELS_JOB_STALLED": 1.0}
STATES = {
    "over": {state for state in JobState if state.is_final},
    "running": {JobState.RUNNING},
    "parked": {JobState.PARKED},
}


@dataclass(frozen=True)
class Worker:
    """A running worker."""

    pid: int
    log: Path

    @property
    def code(self) -> int | None:
        """The exit code (negative for a signal), or None while it runs."""
        path = Path(f"{self.log}.exit")
        return int(path.read_text()) if path.exists() else None

    @property
    def said(self) -> str:
        """All it wrote."""
        return self.log.read_text() if self.log.exists() else ""

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        if self.code is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float = 40) -> int:
        """Wait for its end; return the exit code."""
        wait_until(lambda: self.code is not None, "The worker's end", seconds=seconds)
        code = self.code
        assert code is not None
        return code

    def stop(self) -> int:
        """Tell it to stop, and wait for that."""
        self.send(signal.SIGTERM)
        return self.wait()


class Nursery:
    """Starts workers on the present database of the tests: see tests/support/nursery.py."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count()
        path = os.pathsep.join((str(ROOT / "platform"), str(ROOT)))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.nursery"],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._answer() == "ready"

    def start(self, *words: str, **settings: Any) -> Worker:
        """Start a worker with these words on the command line."""
        log = self._folder / f"worker-{next(self._numbers)}.log"
        database = connection.settings_dict["NAME"]
        wish = {"words": words, "database": database, "settings": settings, "log": str(log)}
        assert self._process.stdin
        print(json.dumps(wish), file=self._process.stdin, flush=True)
        return Worker(int(self._answer()), log)

    @contextmanager
    def working(self, number: int, *words: str, **settings: Any) -> Iterator[list[Worker]]:
        """Run so many workers beside the block; yields when they are ready."""
        before = _newest_worker()
        running = [self.start(*words, **settings) for _ in range(number)]
        try:
            wait_until(lambda: _newest_worker() >= before + number, "A worker's sign of life", seconds=40)
            yield running
        finally:
            for worker in running:
                worker.send(signal.SIGCONT)
                worker.send(signal.SIGTERM)
            for worker in running:
                worker.wait()

    def close(self) -> None:
        """End the process that forks."""
        self._process.terminate()
        self._process.communicate(timeout=20)

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()


def _newest_worker() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM procrastinate_workers_id_seq"
        )
        return int(cursor.fetchone()[0])


def wait_for(job: Any, what: str = "over", *, seconds: float = 30) -> Job:
    """Wait until a job is over (or running, or parked); return its record."""
    wait_until(
        lambda: Job.objects.get(pk=job.pk).state in STATES[what], f"Job {job} being {what}", seconds=seconds
    )
    return Job.objects.get(pk=job.pk)
