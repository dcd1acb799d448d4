"""Workers in processes of their own: they stop when told to, and lose nothing when they are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from shared_apps.operations.models import Job
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.jobs import JobState, cancel, living_workers
from smartmodels.jobs.direct import is_pooled
from tests.support.databases import ROOT
from tests.support.pgbouncer import pgbouncer, require_pgbouncer
from tests.support.waiting import wait_until
from tests.support.workers import BRISK, Nursery, wait_for
from tests.zoo import tasks
from tests.zoo.models import Tag

QUIET = ("--queues", "default")


@pytest.fixture(scope="module")
def nursery(databases: Any, tmp_path_factory: Any) -> Iterator[Nursery]:
    """Starts workers in a moment."""
    made = Nursery(tmp_path_factory.mktemp("workers"))
    yield made
    made.close()


def run_outside(**environment: str) -> tuple[int, str]:
    """`manage.py worker --once` as an operator starts it; its exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "manage.py", "worker", "--once", *QUIET],
        cwd=ROOT, env={**os.environ, **environment}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.fixture
def wanted(committing: Any, alpha: Any, ana: Any) -> Any:
    """``wanted(job, **arguments)``: queue a job in alpha for ana."""

    def want(job: Any, **arguments: Any) -> Any:
        with namespace_scope(alpha), operation(actor=Actor.user(ana)):
            return job.enqueue(**arguments)

    return want


def labels_of(namespace: Any) -> list[str]:
    """The labels of the tags of a namespace."""
    with namespace_scope(namespace):
        return sorted(Tag.objects.values_list("label", flat=True))


# Doing


def test_worker__jobs_of_two_namespaces_at_once__never_meet(
    nursery: Nursery, wanted: Any, alpha: Any, beta: Any
) -> None:
    """Four at a time, interleaved: every row is where its job was wanted."""
    expected: dict[str, list[str]] = {"alpha": [], "beta": []}
    for number in range(40):
        namespace = (alpha, beta)[number % 2]
        with namespace_scope(namespace), operation():
            tasks.label.enqueue(text=f"{namespace.slug}-{number:02}", seconds=number % 3 / 100)
        expected[namespace.slug].append(f"{namespace.slug}-{number:02}")
    assert nursery.start("--once", "--concurrency", "4", *QUIET).wait() == 0
    found = {namespace.slug: labels_of(namespace) for namespace in (alpha, beta)}
    assert found == expected
    for record in Job.objects.filter(name="zoo.label").select_related("namespace"):
        assert (record.result["namespace"], record.result["schema"]) == (
            record.namespace.slug, record.namespace.schema_name,
        )  # fmt: skip


def test_worker__progress__is_seen_before_anything_is_committed(
    nursery: Nursery, wanted: Any, alpha: Any
) -> None:
    """Also the job's end, when somebody cancels it, and its changes are undone."""
    record = wanted(tasks.long, text="a")
    with nursery.working(1, *QUIET):
        wait_until(lambda: Job.objects.get(pk=record.pk).message.startswith("at it"), "Progress", seconds=20)
        assert labels_of(alpha) == []
        cancel(record)
        assert wait_for(record).state == JobState.CANCELLED
    assert labels_of(alpha) == []


def test_worker__namespace_resumed__goes_on_at_once(nursery: Nursery, wanted: Any, alpha: Any) -> None:
    """A parked job does not wait for the next look at the queue."""
    type(alpha).objects.filter(pk=alpha.pk).update(state="suspended")
    record = wanted(tasks.label, text="a")
    with nursery.working(1, *QUIET):
        wait_for(record, "parked")
        type(alpha).objects.filter(pk=alpha.pk).update(state="active")
        assert wait_for(record, seconds=4).state == JobState.SUCCEEDED


def test_worker__statement_too_long__fails_alone(nursery: Nursery, wanted: Any) -> None:
    """PostgreSQL ends it; the worker lives."""
    late, fine = wanted(tasks.too_long_in_postgresql), wanted(tasks.label, text="a")
    assert nursery.start("--once", *QUIET).wait() == 0
    late.refresh_from_db()
    fine.refresh_from_db()
    assert (late.state, fine.state) == (JobState.FAILED, JobState.SUCCEEDED)
    assert "statement timeout" in late.error


def test_workers__two__do_a_periodic_job_once_each_time(nursery: Nursery, committing: Any) -> None:
    """The ticks of two workers are those of one."""
    with nursery.working(2, "--queues", "ticks"):
        wait_until(lambda: Job.objects.filter(name="zoo.tick").count() >= 3, "Three ticks", seconds=20)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(DISTINCT args ->> 'timestamp') FROM procrastinate_jobs"
            " WHERE task_name = 'zoo.tick'"
        )
        ticks, moments = cursor.fetchone()
    assert ticks == moments


# Dying


@pytest.mark.parametrize("task", ["die_once", "die_after_commit"])
def test_worker__killed_over_a_job__another_does_it_once(
    nursery: Nursery, wanted: Any, alpha: Any, tmp_path: Path, task: str
) -> None:
    """Whether it died before or after the commit: the effect is there once."""
    marker = tmp_path / "died"
    record = wanted(getattr(tasks, task), text="once", marker=str(marker))
    assert nursery.start(*QUIET, **BRISK).wait() == -signal.SIGKILL
    with nursery.working(1, *QUIET, **BRISK):
        record = wait_for(record)
    assert (record.state, record.deaths, labels_of(alpha)) == (JobState.SUCCEEDED, 1, ["once"])


def test_worker__killed_twice_over_a_job__gives_it_up(nursery: Nursery, wanted: Any, alpha: Any) -> None:
    """The record says why, and nothing of it stays."""
    record = wanted(tasks.die_always, text="never")
    for _ in range(2):
        assert nursery.start(*QUIET, **BRISK).wait() == -signal.SIGKILL
    with nursery.working(1, *QUIET, **BRISK):
        record = wait_for(record)
    assert (record.state, record.deaths, record.error_code) == (JobState.FAILED, 2, "worker-died")
    assert labels_of(alpha) == []


def test_worker__frozen__cannot_finish_what_was_given_to_another(
    nursery: Nursery, wanted: Any, alpha: Any
) -> None:
    """Taken for dead, it wakes up: nothing it did, or says, is kept beside the other's."""
    record, heard = wanted(tasks.long, text="once", seconds=3), set()
    with nursery.working(1, *QUIET, **BRISK) as [frozen]:
        wait_until(lambda: str(frozen.pid) in _message(record), "Progress")
        frozen.send(signal.SIGSTOP)
        try:
            with nursery.working(1, *QUIET, **BRISK):
                wait_until(lambda: Job.objects.get(pk=record.pk).deaths == 1, "Notice")
                wait_for(record, "running")
                Job.objects.filter(pk=record.pk).update(message="")
                frozen.send(signal.SIGCONT)
                while not JobState(_state(record)).is_final:
                    heard.add(_message(record))
                    time.sleep(0.01)
                record = wait_for(record)
        finally:
            frozen.send(signal.SIGCONT)
    assert (record.state, labels_of(alpha)) == (JobState.SUCCEEDED, ["once"])
    assert "was given to another worker" in frozen.said
    assert not any(str(frozen.pid) in each for each in heard)


def _message(record: Any) -> str:
    return str(Job.objects.values_list("message", flat=True).get(pk=record.pk))


def _state(record: Any) -> str:
    return str(Job.objects.values_list("state", flat=True).get(pk=record.pk))


def test_worker__postgresql_restarts__goes_on(nursery: Nursery, wanted: Any, committing: Any) -> None:
    """Every connection breaks and none is accepted for a moment; what was running is done again."""
    interrupted = wanted(tasks.long, text="a", seconds=1.5)
    name = committing.name
    with nursery.working(1, *QUIET, **BRISK) as [worker]:
        wait_for(interrupted, "running")
        with psycopg.connect(committing.url.replace(f"/{name}", "/postgres"), autocommit=True) as server:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            time.sleep(1)
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        connection.close()
        assert wait_for(interrupted).state == JobState.SUCCEEDED
        assert wait_for(wanted(tasks.label, text="b")).state == JobState.SUCCEEDED
        assert worker.code is None


# Stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_worker__told_to_stop__ends_cleanly(
    nursery: Nursery, committing: Any, number: signal.Signals
) -> None:
    """Exit code 0 and not a word."""
    with nursery.working(1, *QUIET) as [process]:
        process.send(number)
        assert (process.wait(), process.said, living_workers()) == (0, "", 0)


def test_worker__told_to_stop__finishes_what_runs(nursery: Nursery, wanted: Any, alpha: Any) -> None:
    """Within its grace."""
    record = wanted(tasks.long, text="a", seconds=1)
    with nursery.working(1, *QUIET) as [process]:
        wait_for(record, "running")
        assert process.stop() == 0
    record.refresh_from_db()
    assert record.state == JobState.SUCCEEDED


def test_worker__grace_is_over__hands_the_job_back(nursery: Nursery, wanted: Any, alpha: Any) -> None:
    """It waits again, counted as neither failed nor died over, and nothing of it stays."""
    record = wanted(tasks.long, text="a")
    with nursery.working(1, *QUIET, "--grace", "0.1") as [process]:
        wait_for(record, "running")
        assert process.stop() == 0
    record.refresh_from_db()
    assert (record.state, record.failures, record.deaths) == (JobState.QUEUED, 0, 0)
    assert labels_of(alpha) == []


def test_worker__with_parent_gone__ends(committing: Any) -> None:
    """A demo that was killed leaves no worker behind."""
    command = f"{sys.executable} manage.py worker --with-parent & sleep 600"
    parent = subprocess.Popen(["sh", "-c", command], cwd=ROOT, start_new_session=True)
    try:
        wait_until(lambda: living_workers() == 1, "A worker's sign of life", seconds=30)
        parent.kill()
        parent.wait()
        wait_until(lambda: living_workers() == 0, "The worker's end", seconds=30)
    finally:
        os.killpg(parent.pid, signal.SIGKILL)


# Refusals and signs of life


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--concurrency", "0"), "--concurrency is at least 1"),
        (("--grace", "-1"), "--grace at least 0"),
        (("--queues", "nowhere"), "only these queues: default"),
    ],
)
def test_worker__impossible_wishes__are_refused(words: tuple[str, ...], said: str) -> None:
    """With one sentence."""
    with pytest.raises(CommandError, match=said):
        call_command("worker", *words)


def test_worker__no_worker__is_not_healthy(db: Any) -> None:
    """Exit code 1, for whoever restarts containers."""
    with pytest.raises(CommandError, match="no-worker"):
        call_command("worker", "--health")


def test_worker__alive__is_healthy(db: Any, capsys: Any) -> None:
    """One sign of life is enough."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    call_command("worker", "--health")
    assert capsys.readouterr().out == "Workers alive: 1\n"


def test_worker__declared_pooler__is_refused(committing: Any) -> None:
    """Without an address of PostgreSQL itself."""
    with override_settings(SMARTMODELS_POOLER=True), pytest.raises(CommandError, match="DATABASE_DIRECT_URL"):
        call_command("worker", "--once")


def test_worker__declared_pooler_and_direct_address__works(wanted: Any, committing: Any) -> None:
    """The address of PostgreSQL itself is used instead."""
    record = wanted(tasks.label, text="a")
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    done = run_outside(DATABASE_URL=nowhere, DATABASE_POOLER="1", DATABASE_DIRECT_URL=committing.url)
    record.refresh_from_db()
    assert (done, record.state) == ((0, ""), JobState.SUCCEEDED)


def test_worker__pooler_that_nobody_declared__is_refused(committing: Any) -> None:
    """PgBouncer takes LISTEN and delivers nothing: jobs would seem to be lost."""
    require_pgbouncer()
    with pgbouncer(committing.name), pytest.raises(CommandError, match="reached through a pooler"):
        call_command("worker", "--once")


def test_is_pooled__other_process_answers__is_a_pooler() -> None:
    """PostgreSQL greets and answers by one process."""
    assert (is_pooled(1, 2), is_pooled(1, 1)) == (True, False)
