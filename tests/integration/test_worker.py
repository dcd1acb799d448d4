"""The worker finishes what was cut off, and nothing else."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from shared_apps.namespaces.models import Handover, Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.ownership import sentinel_id
from smartmodels.tenancy.models import State
from smartmodels.tenancy.provisioning import reserve
from tenant_apps.research.models import Study

ROOT = Path(__file__).resolve().parents[2]


def look(*words: str) -> None:
    """Let a worker look once."""
    call_command("worker", "--once", *words)


def state_of(slug: str) -> str:
    """The state of a namespace."""
    return str(Namespace.objects.get(slug=slug).state)


def test_worker__provisioning_cut_off__is_finished(ana: Any) -> None:
    """A reservation whose process died becomes a served namespace."""
    reserve("gamma", name="Gamma", owner=ana)
    look("--grace", "0")
    assert state_of("gamma") == State.ACTIVE


def test_worker__provisioning_just_begun__is_left_alone(ana: Any) -> None:
    """Within the grace time its own process is at it."""
    reserve("gamma", name="Gamma", owner=ana)
    look()
    assert state_of("gamma") == State.RESERVED


def test_worker__provisioning_failed__waits_for_a_person(ana: Any) -> None:
    """What went wrong would go wrong again."""
    namespace = reserve("gamma", name="Gamma", owner=ana)
    Namespace.objects.filter(pk=namespace.pk).update(state=State.FAILED)
    look("--grace", "0")
    assert state_of("gamma") == State.FAILED


def test_worker__somebody_at_work__is_left_to_it(committing: Any, ana: Any, capsys: Any) -> None:
    """The lock of a living process is respected without a word."""
    namespace = reserve("gamma", name="Gamma", owner=ana)
    with psycopg.connect(committing.url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [0x736D, namespace.pk.int % 2**31])
        look("--grace", "0")
    assert (state_of("gamma"), capsys.readouterr()) == (State.RESERVED, ("", ""))


def test_worker__broken_provisioning__does_not_stop_the_next(ana: Any, capsys: Any) -> None:
    """One failure is reported; the others are finished."""
    broken = reserve("gamma", name="Gamma", owner=ana)
    Namespace.objects.filter(pk=broken.pk).update(schema_name="public")
    reserve("delta", name="Delta", owner=ana)
    look("--grace", "0")
    assert (state_of("gamma"), state_of("delta")) == (State.FAILED, State.ACTIVE)
    assert "namespace resume gamma" in capsys.readouterr().err


def test_worker__handover_cut_off__is_finished(alpha: Any, ben: Any) -> None:
    """The rows of a closed account go to the sentinel."""
    with namespace_scope(alpha), operation(actor=Actor.user(ben)):
        study = Study.objects.create(code="B")
    Handover.objects.create(user=ben, namespace=alpha)
    look()
    with namespace_scope(alpha):
        study.refresh_from_db()
        assert study.owner_id == sentinel_id()


def test_worker__nothing_to_do__says_nothing(alpha: Any, capsys: Any) -> None:
    """Silence is the sound of health."""
    look()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("words", [("--every", "0"), ("--grace", "-1")])
def test_worker__impossible_times__are_refused(words: tuple[str, str]) -> None:
    """A wrong number is a sentence."""
    with pytest.raises(CommandError, match="--every is more than 0"):
        look(*words)


def start_worker(*words: str) -> subprocess.Popen[str]:
    """A worker in a process of its own, with the database of the test."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "worker", *words],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def wait_for_connections(url: str, wanted: int) -> None:
    """Wait until this many others are connected to the database."""
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(300):
            [(others,)] = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if others == wanted:
                return
            time.sleep(0.1)
    raise AssertionError(f"{others} others are connected, not {wanted}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_worker__told_to_stop__ends_cleanly(committing: Any, number: signal.Signals) -> None:
    """Exit code 0 and not a word, long before the next look."""
    process = start_worker("--every", "600")
    wait_for_connections(committing.url, 1)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "")


def test_worker__with_parent_gone__ends(committing: Any) -> None:
    """A demo that was killed leaves no worker behind."""
    command = f"{sys.executable} manage.py worker --with-parent --every 0.2 & sleep 600"
    parent = subprocess.Popen(["sh", "-c", command], cwd=ROOT, start_new_session=True)
    try:
        wait_for_connections(committing.url, 1)
        parent.kill()
        parent.wait()
        wait_for_connections(committing.url, 0)
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
