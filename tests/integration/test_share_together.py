"""Grants that several change at the same moment."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections

from shared_apps.sharing.models import Grant, GrantEvent
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import SmartModelsError
from smartmodels.sharing import accept, share
from smartmodels.tenancy import life
from tenant_apps.research.models import Study


def at_once(*deeds: Callable[[], Any]) -> list[str]:
    """Do all of it at the same moment; return the status of the grant, or the code of the refusal."""
    barrier = Barrier(len(deeds))

    def run(deed: Callable[[], Any]) -> str:
        try:
            barrier.wait()
            with operation(actor=Actor.command("tests"), nested=False):
                done = deed()
        except SmartModelsError as error:
            return error.code
        finally:
            connections.close_all()
        return str(getattr(done, "status", "done"))

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def offered(alpha: Any, beta: Any, ana: Any) -> tuple[Study, Grant]:
    """A study of alpha that ana offered to beta."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        study = Study.objects.create(code="A")
        return study, share(study, beta)


def test_share__twenty_times_at_once__makes_one_grant(committing: Any, alpha: Any, beta: Any) -> None:
    """One lives, and everybody gets it."""
    with namespace_scope(alpha), operation(actor=Actor.command("tests")):
        study = Study.objects.create(code="A")

    def deed() -> Any:
        with namespace_scope(alpha):
            return share(study, beta)

    assert Counter(at_once(*[deed] * 20)) == {"active": 20}
    assert Grant.objects.count() == 1


def test_accept__ten_times_at_once__is_one_step(committing: Any, alpha: Any, beta: Any, ana: Any) -> None:
    """Whoever comes later finds it done."""
    _, grant = offered(alpha, beta, ana)
    assert Counter(at_once(*[lambda: accept(grant)] * 10)) == {"active": 10}
    assert GrantEvent.objects.filter(grant_id=grant.pk, status="active").count() == 1


def test_accept__while_its_home_is_deleted__is_asleep(
    committing: Any, alpha: Any, beta: Any, ana: Any
) -> None:
    """Whichever comes first, no grant of a deleted home is active."""
    for _ in range(5):
        _, grant = offered(alpha, beta, ana)
        at_once(lambda grant=grant: accept(grant), lambda: life.delete(alpha))  # type: ignore[misc]
        grant.refresh_from_db()
        assert grant.status == "suspended"
        with operation(actor=Actor.command("tests")):
            life.undelete(alpha)
        grant.refresh_from_db()
        assert grant.status == "active"
        with namespace_scope(alpha), operation(actor=Actor.command("tests")):
            Study.objects.all().delete()
