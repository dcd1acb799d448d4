"""Provisioning survives kill -9 at any point, and many who want the same name."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections

from shared_apps.namespaces.models import Domain, Membership, Namespace
from smartmodels.context import Actor, operation
from smartmodels.exceptions import NamespaceBusy, NamespaceFailed, NamespaceNotFound, SlugTaken
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.models import State
from smartmodels.tenancy.schemas import marked_schemas
from smartmodels.tenancy.spares import fill_spares
from smartmodels.tenancy.template import current_template
from tests.support.asking import asking
from tests.support.shapes import shape_of
from tests.support.waiting import wait_until

Ask = Callable[..., Any]


@pytest.fixture
def ask(committing: Any) -> Iterator[Ask]:
    """Give a task to tests/support/mortal.py, on the test's database; returns the answer."""
    with asking() as answer:
        yield answer


def when_free(act: Callable[[], Any]) -> None:
    """Do it as soon as PostgreSQL noticed that the killed process is gone, and gave its lock back."""

    def is_done() -> bool:
        try:
            act()
        except NamespaceBusy:
            return False
        return True

    wait_until(is_done, "Getting the lock of a killed process")


def finish(slug: str) -> bool:
    """Resume the namespace, or make it if not even the reservation was committed; whether it is whole."""
    try:
        namespace = provisioning.find_namespace(slug)
    except NamespaceNotFound:
        owner = Membership.objects.get(namespace__slug="alpha", role="owner").user
        namespace = provisioning.reserve(slug, name=slug, owner=owner)
    when_free(lambda: provisioning.resume(namespace))
    namespace.refresh_from_db()
    hosts = list(Domain.objects.filter(tenant=namespace).values_list("domain", flat=True))
    members = list(namespace.memberships.values_list("user__email", "role"))
    alpha = Namespace.objects.get(slug="alpha")
    return (
        namespace.state == State.ACTIVE
        and (hosts, members) == ([f"{slug}.localhost"], [("ana@example.org", "owner")])
        and shape_of(namespace.schema_name) == shape_of(alpha.schema_name)
    )


def undo(slug: str) -> bool:
    """Roll the namespace back; whether nothing of it is left."""
    namespace = Namespace.objects.filter(slug=slug).first()
    if namespace is not None and namespace.state != State.ACTIVE:
        when_free(lambda: provisioning.rollback(namespace))
    left = [schema for schema in marked_schemas() if schema.startswith(f"t_{slug}_")]
    return (
        not left
        and not Namespace.objects.filter(slug=slug).exists()
        and not Domain.objects.filter(domain=f"{slug}.localhost").exists()
    )


@pytest.mark.parametrize("repair", [finish, undo])
def test_provisioning__killed_when_any_step_begins__is_finished_or_undone(
    ask: Ask, repair: Callable[[str], bool]
) -> None:
    """Every step and every migration."""
    steps, _ = ask(slug="whole")
    slugs = {step: f"killed{step}" for step in range(1, steps + 1)}
    assert {ask(slug=slug, step=step) for step, slug in slugs.items()} == {"killed"}
    assert [step for step, slug in slugs.items() if not repair(slug)] == []


@pytest.mark.parametrize("spares", [0, 2])
def test_provisioning__killed_at_every_statement__is_finished_or_undone(ask: Ask, spares: int) -> None:
    """Inside the steps as well, on a script and on a spare; resumed or rolled back by turns.

    A spare is claimed in one message: before it there is nothing, and after it all but the COMMIT.
    """
    current_template()
    fill_spares(spares)
    _, statements = ask(slug="whole")
    slugs = {each: f"killed{each}" for each in range(1, statements + 1)}
    assert {ask(slug=slug, answered=each) for each, slug in slugs.items()} == {"killed"}
    repairs = [(finish, undo, undo)[n % 3] for n in range(len(slugs))]
    # All but giving back the lock is done by then.
    repairs[-1] = finish
    assert [slug for slug, repair in zip(slugs.values(), repairs, strict=True) if not repair(slug)] == []


def test_provisioning__killed_again_while_resumed__is_finished(ask: Ask, ana: Any) -> None:
    """A step may be cut off more than once."""
    ask(slug="unlucky", step=4)
    namespace = provisioning.find_namespace("unlucky")
    for step in provisioning.STEPS:

        def stop(begun: str, step: str = step) -> None:
            if begun == step:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            when_free(lambda stop=stop: provisioning.resume(namespace, progress=stop))
    assert finish("unlucky")


def test_provisioning__of_one_slug_by_twenty_at_once__is_won_by_one(ask: Ask) -> None:
    """One makes it, nineteen learn that the slug is taken, one schema exists."""
    outcomes = ask(slug="wanted", runners=20)
    schemas = [schema for schema in marked_schemas() if schema.startswith("t_wanted_")]
    assert (sorted(outcomes), len(schemas)) == (["made", *["slug-taken"] * 19], 1)


def test_provisioning__of_one_slug_by_twenty_at_once__leaves_it_whole(ask: Ask) -> None:
    """The losers spoil nothing for the winner."""
    ask(slug="wanted", runners=20)
    namespace, alpha = (Namespace.objects.get(slug=slug) for slug in ("wanted", "alpha"))
    assert namespace.state == State.ACTIVE
    assert shape_of(namespace.schema_name) == shape_of(alpha.schema_name)


# Two at work on one namespace


@pytest.fixture
def busy(committing: Any, ana: Any) -> Iterator[Namespace]:
    """A namespace on whose tables another thread is at work."""
    namespace = provisioning.reserve("busy", name="Busy", owner=ana)
    begun, go_on = threading.Event(), threading.Event()

    def pause(step: str) -> None:
        if step == "tables":
            begun.set()
            assert go_on.wait(30)

    def work() -> None:
        provisioning.resume(Namespace.objects.get(pk=namespace.pk), progress=pause)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(30)
    yield namespace
    go_on.set()
    thread.join()


@pytest.mark.parametrize("act", [provisioning.resume, provisioning.rollback])
def test_namespace__somebody_is_at_work_on__is_busy(busy: Namespace, act: Callable[[Any], Any]) -> None:
    """Nobody else can resume it or roll it back meanwhile."""
    with pytest.raises(NamespaceBusy):
        act(busy)


def test_namespace__somebody_is_at_work_on__is_finished_by_them(busy: Namespace) -> None:
    """A refused second resume does no harm to the first."""
    with pytest.raises(NamespaceBusy):
        provisioning.resume(busy)
    with pytest.raises(SlugTaken, match="half-made"):
        provisioning.reserve("busy", name="Busy", owner=busy.memberships.get().user)


# Failing


def test_provisioning__with_a_step_that_fails__says_which_and_keeps_the_reason(
    committing: Any, ana: Any
) -> None:
    """The row says what went wrong; once the cause is gone, resume finishes it."""
    namespace = provisioning.reserve("failing", name="Failing", owner=ana)
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{namespace.schema_name}"')
    with pytest.raises(NamespaceFailed, match="namespace resume failing"):
        provisioning.resume(namespace)
    namespace.refresh_from_db()
    assert (namespace.state, namespace.error.partition(":")[0]) == (State.FAILED, "schema")
    with connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA "{namespace.schema_name}"')
    assert provisioning.resume(namespace).state == State.ACTIVE


def test_provisioning__when_its_connection_is_cut__says_so_and_can_be_resumed(
    committing: Any, ana: Any
) -> None:
    """PostgreSQL goes away in the middle of a step."""
    namespace = provisioning.reserve("cut", name="Cut", owner=ana)
    pid = connection.connection.info.backend_pid

    def cut(step: str) -> None:
        if step == "tables":
            with connection.copy().cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
                cursor.db.close()

    with pytest.raises(NamespaceFailed, match="tables"):
        provisioning.resume(namespace, progress=cut)
    connection.close()
    assert finish("cut")


def test_provisioning__whose_host_somebody_took_meanwhile__fails_clearly(
    committing: Any, ana: Any, alpha: Namespace
) -> None:
    """A namespace never ends up active without its host."""
    namespace = provisioning.reserve("late", name="Late", owner=ana)
    Domain.objects.create(tenant=alpha, domain="late.localhost", is_primary=False)
    with operation(actor=Actor.system("tests")), pytest.raises(NamespaceFailed, match="served by another"):
        provisioning.resume(namespace)
    Domain.objects.get(domain="late.localhost").delete()
    assert provisioning.resume(namespace).state == State.ACTIVE
