"""Grants that are given, taken back and used at the same moment: one order or the other, nothing half.

What processes do to one another, and what is left when they are killed, is in test_sharing_races.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections, transaction

from shared_apps.namespaces.models import Namespace
from shared_apps.sharing.models import Grant, SharedResource
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import GrantStateRefused, ShareRefused, SmartModelsError
from smartmodels.history import history_model
from smartmodels.sharing import accept, reshare, revoke, share
from smartmodels.tenancy import life
from tenant_apps.research.models import Study
from tests.support.lives import act
from tests.support.waiting import wait_for_locks

OPERATOR = Actor.command("tests")


@pytest.fixture
def study(committing: Any, alpha: Any, ana: Any) -> Study:
    """A study of alpha, in a database where others see what is committed."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made: Study = Study.objects.create(code="A", title="Before")
    return made


@pytest.fixture
def pool(committing: Any) -> Iterator[ThreadPoolExecutor]:
    """Threads with connections of their own, all done when the test ends."""
    with ThreadPoolExecutor(20) as threads:
        yield threads


@contextmanager
def operator_at(home: Any) -> Iterator[None]:
    """Act as the operator in a namespace."""
    with namespace_scope(home), operation(actor=OPERATOR):
        yield


def granted(study: Study, home: Any, target: Any, role: str = "edit", **terms: Any) -> Grant:
    """Consent of both sides."""
    with operator_at(home):
        made: Grant = share(study, target, role=role, **terms)
    return made


def offered(study: Study, home: Any, target: Any, maker: Any) -> Grant:
    """An offer that nobody has answered."""
    with namespace_scope(home), operation(actor=Actor.user(maker)):
        made: Grant = share(study, target)
    return made


def start(pool: ThreadPoolExecutor, job: Callable[[], Any]) -> Future[Any]:
    """Do it in a thread; an error of ours is its result."""

    def run() -> Any:
        try:
            return job()
        except SmartModelsError as error:
            return type(error)
        finally:
            connections.close_all()

    return pool.submit(run)


def revoked(grant: Grant) -> str:
    """Take the grant back, as the operator, and say what it is."""
    with operation(actor=OPERATOR):
        return str(revoke(Grant.objects.get(pk=grant.pk)).status)


def titles(study: Study, home: Any) -> list[str]:
    """The titles of all versions, oldest first."""
    with namespace_scope(home):
        found = history_model(Study).objects.filter(id=study.pk).order_by("history_id")
        return list(found.values_list("title", flat=True))


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_revoke__before_an_edit__is_what_the_edit_finds(
    method: str, study: Study, pool: Any, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Revoke first: the edit waits, and then there is nothing to edit."""
    grant, client = granted(study, alpha, beta, "manage"), api_of(bea, beta)
    with transaction.atomic():
        revoked(grant)
        edit = start(
            pool,
            lambda: getattr(client, method)(f"/api/v1/studies/{study.pk}/", {"title": "After"}).status_code,
        )
        wait_for_locks(1)
    assert edit.result() == 404
    assert titles(study, alpha) == ["Before"]


def test_role__lowered_before_an_edit__forbids_it(
    study: Study, pool: Any, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """The grant is judged as it is when it is held."""
    grant, client = granted(study, alpha, beta), api_of(bea, beta)
    with transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(role="view")
        edit = start(pool, lambda: client.patch(f"/api/v1/studies/{study.pk}/", {"title": "x"}).status_code)
        wait_for_locks(1)
    assert edit.result() == 403


def test_comment__while_it_is_revoked__is_refused(
    study: Study, pool: Any, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Comments hold the grant as edits do."""
    grant, client = granted(study, alpha, beta), api_of(bea, beta)
    body = {"resource_type": "research.study", "resource_id": str(study.pk), "kind": "like"}
    with transaction.atomic():
        revoked(grant)
        like = start(pool, lambda: client.post("/api/v1/activities/", body).status_code)
        wait_for_locks(1)
    assert like.result() == 400


def test_edit__while_its_home_deletes_the_row__finds_nothing(
    study: Study, pool: Any, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Both lock the row first, so neither undoes the other."""
    granted(study, alpha, beta)
    client = api_of(bea, beta)
    with operator_at(alpha), transaction.atomic():
        Study.objects.get().delete()
        edit = start(pool, lambda: client.patch(f"/api/v1/studies/{study.pk}/", {"title": "x"}).status_code)
        wait_for_locks(1)
    assert edit.result() == 404


def test_accept__before_its_home_goes__ends_with_it(
    study: Study, pool: Any, alpha: Any, beta: Any, ana: Any, bea: Any
) -> None:
    """Accept first: the deletion waits, then ends the grant."""
    grant = offered(study, alpha, beta, ana)
    with transaction.atomic(), operation(actor=Actor.user(bea)):
        accept(Grant.objects.get(pk=grant.pk))
        going = start(pool, lambda: act(life.delete, Namespace.objects.get(pk=alpha.pk)))
        wait_for_locks(1)
    going.result()
    grant.refresh_from_db()
    assert (Namespace.objects.get(pk=alpha.pk).state, grant.status) == ("deleted", "suspended")


def test_accept__after_its_home_began_to_go__is_refused(
    study: Study, pool: Any, alpha: Any, beta: Any, ana: Any, bea: Any
) -> None:
    """Deletion first: the answer waits with nothing in hand, and there is nothing to accept."""
    grant = offered(study, alpha, beta, ana)

    def answer() -> Any:
        with operation(actor=Actor.user(bea)):
            return accept(Grant.objects.get(pk=grant.pk)).status

    with transaction.atomic():
        Namespace.objects.select_for_update().get(pk=alpha.pk)
        answering = start(pool, answer)
        wait_for_locks(1)
        Namespace.objects.filter(pk=alpha.pk).update(state="deleting")
    grant.refresh_from_db()
    assert (answering.result(), grant.status) == (GrantStateRefused, "revoked")


def test_reshare__while_the_row_is_deleted__goes_with_it(
    study: Study, pool: Any, alpha: Any, beta: Any
) -> None:
    """Who passes a row on waits with nothing in hand as well."""
    grant = granted(study, alpha, beta, may_reshare=True)

    def pass_on() -> Any:
        with operator_at(beta):
            return reshare(Grant.objects.get(pk=grant.pk), "elsewhere").pk

    with operator_at(alpha), transaction.atomic():
        SharedResource.objects.select_for_update().get()
        passing = start(pool, pass_on)
        wait_for_locks(1)
        Study.objects.get().delete()
    assert Grant.objects.get(pk=passing.result()).resource_deleted


def test_share__while_the_row_is_deleted__is_refused(
    study: Study, pool: Any, alpha: Any, beta: Any, ana: Any
) -> None:
    """Deletion first: nothing is shared."""
    with operator_at(alpha), transaction.atomic():
        Study.objects.get().delete()
        sharing = start(pool, lambda: offered(study, alpha, beta, ana))
        wait_for_locks(1)
    assert sharing.result() is ShareRefused
    assert not Grant.objects.exists()


def test_delete__while_the_row_is_shared__marks_the_grant(
    study: Study, pool: Any, alpha: Any, beta: Any
) -> None:
    """Sharing first: the deletion waits, and knows of the grant."""

    def delete() -> None:
        with operator_at(alpha):
            Study.objects.get().delete()

    with transaction.atomic():
        grant = granted(study, alpha, beta)
        deleting = start(pool, delete)
        wait_for_locks(1)
    deleting.result()
    grant.refresh_from_db()
    assert (grant.status, grant.resource_deleted) == ("active", True)
