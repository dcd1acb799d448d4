"""Removing a namespace for good: in batches, resumable, and nothing of anybody else's."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from shared_apps.accounts.models import Session, Token
from shared_apps.namespaces.models import Domain, Membership, Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import NamespaceBusy
from smartmodels.tenancy import life, provisioning
from smartmodels.tenancy.errors import NamespaceStateRefused
from smartmodels.tenancy.life import dropping
from smartmodels.tenancy.models import State
from smartmodels.tenancy.schemas import marked_schemas
from tenant_apps.research.models import Study
from tests.support.closing import in_thread
from tests.support.lives import act, audit_of

DIGEST = "SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} t"
FEW = {"progress": dropping.silent, "locks": 120}
LOCKS = """SELECT count(*) FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype IN ('relation', 'object') AND mode = 'AccessExclusiveLock'"""


def tables_of(namespace: Namespace) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [namespace.schema_name])
        return [name for (name,) in cursor.fetchall()]


def contents_of(namespace: Namespace) -> dict[str, str]:
    """A digest of the rows of every table of the namespace."""
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(tables_of(namespace)):
            cursor.execute(DIGEST.format(f'"{namespace.schema_name}"."{table}"'))
            found[table] = cursor.fetchone()[0]
    return found


@pytest.fixture
def deleted(committing: Any, alpha: Namespace) -> Namespace:
    """A namespace in its grace period."""
    found: Namespace = act(life.delete, alpha)
    return found


def age(namespace: Namespace) -> None:
    """Let the grace period be over."""
    Namespace.objects.filter(pk=namespace.pk).update(purge_after=timezone.now() - timedelta(seconds=1))
    namespace.refresh_from_db()


def test_purge__of_a_namespace__leaves_nothing(deleted: Namespace, ben: Any, client_of: Any) -> None:
    """Neither row nor schema, host, membership, session or token."""
    client_of(ben, deleted)
    Token.issue(ben, deleted.pk)
    act(life.purge, deleted, now=True)
    assert deleted.schema_name not in marked_schemas()
    of_it = {"namespace_id": deleted.pk}
    rows = [model.objects.filter(**of_it) for model in (Membership, Session, Token)]
    rows += [Namespace.objects.filter(pk=deleted.pk), Domain.objects.filter(tenant_id=deleted.pk)]
    assert [row.exists() for row in rows] == [False] * 5
    assert audit_of("alpha") == [("delete", "done"), ("purge", "begun"), ("purge", "done")]


def test_purge__of_a_namespace__touches_no_other(deleted: Namespace, beta: Namespace, bea: Any) -> None:
    """Every row of every table of the other is the same."""
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        Study.objects.create(code="kept")
    before = contents_of(beta)
    act(life.purge, deleted, now=True)
    assert contents_of(beta) == before


def test_purge__within_the_grace__is_refused(deleted: Namespace) -> None:
    """Unless it is said not to wait."""
    with pytest.raises(NamespaceStateRefused, match="--now"):
        act(life.purge, deleted)
    assert tables_of(deleted)


@pytest.mark.parametrize("state", [state for state in State if state not in (State.DELETED, State.DELETING)])
def test_purge__of_what_is_not_deleted__is_refused(alpha: Namespace, state: State) -> None:
    """Two steps, whoever is in a hurry."""
    Namespace.objects.filter(pk=alpha.pk).update(state=state)
    alpha.refresh_from_db()
    with pytest.raises(NamespaceStateRefused):
        act(life.purge, alpha, now=True)
    assert tables_of(alpha)


def test_purge__begun__cannot_be_taken_back(deleted: Namespace) -> None:
    """From the first moment."""
    seen: list[str] = []

    def look(*_: int) -> None:
        seen.append(Namespace.objects.get(pk=deleted.pk).state)
        with pytest.raises(NamespaceStateRefused):
            act(life.undelete, Namespace.objects.get(pk=deleted.pk))

    act(life.purge, deleted, now=True, progress=look)
    assert set(seen) == {"deleting"}


# In batches


@contextmanager
def locks_of_transactions() -> Iterator[list[int]]:
    """How many tables, indexes and sequences each statement that drops holds alone at its end."""
    found: list[int] = []

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        result = execute(sql, *rest)
        if sql.startswith("DROP "):
            with connection.connection.cursor() as cursor:
                found.append(cursor.execute(LOCKS).fetchone()[0])
        return result

    with connection.execute_wrapper(count):
        yield found


def test_purge__of_many_tables__holds_few_locks_at_once(
    deleted: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each transaction stays within its bound, though all of them together do not."""
    monkeypatch.setattr(dropping.drop_in_batches, "__kwdefaults__", FEW)
    with locks_of_transactions() as locks:
        act(life.purge, deleted, now=True)
    assert max(locks) <= 120 < sum(locks)
    assert len(locks) > 3


def test_purge__of_one_namespace__is_seen_to_advance(deleted: Namespace) -> None:
    """By the number of tables that are gone."""
    said: list[tuple[int, int]] = []
    number = len(tables_of(deleted))
    act(life.purge, deleted, now=True, progress=lambda gone, of: said.append((gone, of)))
    assert said[-1] == (number, number)


def _purge_until(namespace: Namespace, statement: int) -> int:
    """Purge in a process that is killed, as by kill -9, before so many statements; return its signal."""
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        passed = 0

        def count(execute: Any, *details: Any) -> Any:
            nonlocal passed
            passed += 1
            if passed == statement:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(*details)

        with connection.execute_wrapper(count):
            act(life.purge, namespace, now=True)
        os._exit(0)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("statement", [6, 12, 18, 24])
def test_purge__killed_on_the_way__is_finished_by_repeating_it(
    deleted: Namespace, beta: Namespace, monkeypatch: pytest.MonkeyPatch, statement: int
) -> None:
    """Whatever was dropped, the namespace is hidden, and the next run removes the rest."""
    monkeypatch.setattr(dropping.drop_in_batches, "__kwdefaults__", FEW)
    before = contents_of(beta)
    assert _purge_until(deleted, statement) == signal.SIGKILL
    left = Namespace.objects.filter(pk=deleted.pk).values_list("state", flat=True)
    assert set(left) <= {"deleted", "deleting"}
    deleted.refresh_from_db()
    act(life.purge, deleted, now=True)
    assert deleted.schema_name not in marked_schemas()
    assert contents_of(beta) == before


def test_purge__by_two_at_once__is_done_by_one(deleted: Namespace) -> None:
    """The other is told that somebody is at it."""
    said: list[str] = []

    def again() -> None:
        with pytest.raises(NamespaceBusy):
            act(life.purge, deleted, now=True)
        said.append("busy")

    def meanwhile(*_: int) -> None:
        if not said:
            in_thread(again).join()

    act(life.purge, Namespace.objects.get(pk=deleted.pk), now=True, progress=meanwhile)
    assert said == ["busy"]


def test_purge__while_somebody_reads__waits_for_a_time_only(
    deleted: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is dropped is dropped; the rest is left for the next run."""
    monkeypatch.setattr(dropping, "_WAIT", "100ms")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(DIGEST.format(f'"{deleted.schema_name}".research_study'))
        with pytest.raises(NamespaceBusy):
            act(life.purge, deleted, now=True)
        cursor.execute("ROLLBACK")
    other.close()
    act(life.purge, deleted)
    assert deleted.schema_name not in marked_schemas()


# By itself


def test_expired__only__are_purged(deleted: Namespace, beta: Namespace) -> None:
    """The worker asks for what is over, and gets nothing else."""
    assert act(life.purge_expired) == []
    age(deleted)
    assert (act(life.purge_expired), Namespace.objects.get().slug) == (["alpha"], "beta")


def test_expired__begun_and_cut_off__is_finished(deleted: Namespace) -> None:
    """Whether or not its grace period is over."""
    Namespace.objects.filter(pk=deleted.pk).update(state=State.DELETING)
    assert act(life.purge_expired) == ["alpha"]


def test_expired__one_that_fails__does_not_stop_the_others(
    deleted: Namespace, beta: Namespace, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged and tried again next time."""
    act(life.delete, beta)
    age(deleted)
    age(beta)
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON SCHEMA \"{deleted.schema_name}\" IS 'somebody else''s'")
    assert (act(life.purge_expired), "alpha" in caplog.text) == (["beta"], True)


def test_slug__of_a_purged_namespace__makes_an_empty_one(deleted: Namespace, ana: Any) -> None:
    """Schema names are never used again."""
    act(life.purge, deleted, now=True)
    again = provisioning.reserve("alpha", name="Again", owner=ana)
    assert again.schema_name != deleted.schema_name
