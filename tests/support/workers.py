"""`manage.py worker` in a process of its own, on the test's database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared_apps.operations.models import Job
from smartmodels.jobs import JobState, living_workers
from tests.support.databases import ROOT
from tests.support.waiting import wait_until

STOP_SECONDS = 30
STATES = {
    "over": {state for state in JobState if state.is_final},
    "running": {JobState.RUNNING},
    "parked": {JobState.PARKED},
}


def start_worker(*words: str, brisk: bool = False, **environment: str) -> "subprocess.Popen[str]":
    """Start a worker; a brisk one notices within a second that another one died."""
    settings = {"DJANGO_SETTINGS_MODULE": "tests.brisk_settings"} if brisk else {}
    return subprocess.Popen(
        [sys.executable, "manage.py", "worker", *words],
        cwd=ROOT, env={**os.environ, **settings, **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def stop_worker(process: "subprocess.Popen[str]") -> str:
    """End it, if it lives; return what it said."""
    if process.poll() is None:
        process.terminate()
    said, _ = process.communicate(timeout=STOP_SECONDS)
    return said


@contextmanager
def workers(number: int = 1, *words: str, **options: Any) -> Iterator[list["subprocess.Popen[str]"]]:
    """Run so many workers beside the block; yields when they are ready."""
    before = living_workers()
    running = [start_worker(*words, **options) for _ in range(number)]
    try:
        wait_until(lambda: living_workers() >= before + number, "A worker's sign of life", seconds=30)
        yield running
    finally:
        for process in running:
            stop_worker(process)


def wait_for(job: Any, what: str = "over", *, seconds: float = 20) -> Job:
    """Wait until a job is over (or running, or parked); return its record."""
    wait_until(
        lambda: Job.objects.get(pk=job.pk).state in STATES[what], f"Job {job} being {what}", seconds=seconds
    )
    return Job.objects.get(pk=job.pk)
