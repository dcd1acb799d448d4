"""Processes that share, answer and take back at the same moment, some of them killed: one order or the other.

Each scene is played in both modes where both have it: between namespaces, and between users.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import override_settings

from shared_apps.namespaces.models import Namespace
from shared_apps.sharing.models import Grant, GrantEvent, SharedResource
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.fsck import SHARING, check_namespaces
from smartmodels.history import history_model
from smartmodels.sharing import LIVING, share, share_with_users
from tenant_apps.research.models import Study
from tests.support.asking import asking
from tests.support.waiting import wait_for_locks

TO = {False: "beta", True: "ben"}
WHO = {False: ("bea", "beta"), True: ("ben", "alpha")}
both_modes = pytest.mark.parametrize("private", [False, True], ids=["namespaces", "users"])


@pytest.fixture(scope="module")
def program() -> Iterator[Any]:
    """One process for all scenes: it loads everything once."""
    with asking("racers") as answer:
        yield answer


@pytest.fixture
def racers(program: Any, committing: Any) -> Any:
    """Give a task to tests/support/racers.py, on the test's database; returns the answer."""
    program(database=committing.name)
    return program


@pytest.fixture
def private() -> bool:
    """Whether rows are private; scenes of both modes say so."""
    return False


@pytest.fixture(autouse=True)
def mode(private: bool) -> Iterator[None]:
    """Let this process be in the mode of the scene."""
    with override_settings(SMARTMODELS_OWNER_MODEL=django_settings.AUTH_USER_MODEL if private else None):
        yield


@pytest.fixture
def study(committing: Any, alpha: Any, ana: Any) -> Study:
    """A study of ana's in alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made: Study = Study.objects.create(code="A", title="Before")
    return made


def given(study: Study, by: Any, private: bool) -> Grant:
    """What somebody, or the operator, shares with the other one of the scene."""
    actor = Actor.command("tests") if by is None else Actor.user(by)
    with namespace_scope(Namespace.objects.get(slug="alpha")), operation(actor=actor):
        if private:
            return share_with_users([study], ["ben@example.org"], role="edit")[0]  # type: ignore[no-any-return]
        return share(study, "beta", role="edit")  # type: ignore[no-any-return]


def titles(study: Study) -> list[str]:
    """The titles of all versions, oldest first."""
    alpha = Namespace.objects.get(slug="alpha")
    with namespace_scope(alpha), operation(actor=Actor.command("tests")):
        found = history_model(Study).objects.filter(id=study.pk).order_by("history_id")
        return list(found.values_list("title", flat=True))


def findings() -> list[Any]:
    """What does not hold."""
    return [(each.code, each.what) for each in check_namespaces(only=SHARING).left]


def editing(study: Study, private: bool) -> dict[str, Any]:
    """The edit of who the row is shared with."""
    by, at = WHO[private]
    return {"do": "edit", "by": by, "at": at, "row": str(study.pk), "title": "After", "private": private}


def revoking(grant: Grant, private: bool) -> dict[str, Any]:
    """Whose row it is takes it back."""
    return {"do": "step", "verb": "revoke", "grant": str(grant.pk), "by": "ana", "private": private}


@both_modes
def test_revoke__during_an_edit__waits_for_it(study: Study, racers: Any, private: bool) -> None:
    """Edit first: it counts, and the next one is not found."""
    grant = given(study, None, private)
    with transaction.atomic():
        list(SharedResource.objects.select_for_update())  # an edit waits here, with its grant in hand
        edit = racers(start=editing(study, private))
        wait_for_locks(1)
        taking = racers(start=revoking(grant, private))
        wait_for_locks(2)
    assert (racers(finish=edit), racers(finish=taking)) == (200, "revoked")
    assert racers(race=[editing(study, private)]) == [404]
    assert titles(study) == ["Before", "After"]


@both_modes
def test_revoke__before_an_edit__is_what_the_edit_finds(study: Study, racers: Any, private: bool) -> None:
    """Revoke first: the edit waits, and then there is nothing to edit."""
    grant = given(study, None, private)
    with transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(status="revoked")
        edit = racers(start=editing(study, private))
        wait_for_locks(1)
    assert racers(finish=edit) == 404
    assert titles(study) == ["Before"]


def test_revoke__during_an_edit_that_is_killed__is_all_that_happened(study: Study, racers: Any) -> None:
    """Who dies holds nothing: neither the grant nor half of a change."""
    grant, said = given(study, None, private=False), []
    for statement in range(8, 40, 10):
        said += racers(race=[{**editing(study, private=False), "statement": statement}])
    assert "killed" in said
    assert racers(race=[revoking(grant, private=False)]) == ["revoked"]
    assert (set(titles(study)) <= {"Before", "After"}, findings()) == (True, [])


@both_modes
def test_share__twenty_times_at_once__is_one_grant(study: Study, racers: Any, private: bool) -> None:
    """Everybody gets the one that lives."""
    deed = {"do": "share", "home": "alpha", "to": TO[private], "by": "ana", "private": private}
    made = racers(race=[deed] * 20)
    assert set(made) == {str(Grant.objects.get(status__in=LIVING).pk)}


def test_share__twenty_times_at_once_and_half_of_them_killed__is_one_grant(
    study: Study, racers: Any, private: bool
) -> None:
    """Whoever is left gets the one that lives, and nothing is half made."""
    deed = {"do": "share", "home": "alpha", "to": TO[private], "by": "ana", "private": private}
    made = racers(race=[deed if n % 2 else {**deed, "statement": 5 + n} for n in range(20)])
    assert made.count("killed") >= 5
    assert set(made) - {"killed"} == {str(Grant.objects.get(status__in=LIVING).pk)}
    assert findings() == []


@both_modes
def test_accept__ten_times_at_once__is_one_step(study: Study, racers: Any, ana: Any, private: bool) -> None:
    """Whoever comes later finds it done."""
    grant = given(study, ana, private)
    deed = {"do": "step", "verb": "accept", "grant": str(grant.pk), "by": WHO[private][0], "private": private}
    assert racers(race=[deed] * 10) == ["active"] * 10
    assert GrantEvent.objects.filter(grant_id=grant.pk, status="active").count() == 1


@both_modes
def test_accept__killed_at_any_statement__is_done_or_not(
    study: Study, racers: Any, ana: Any, private: bool
) -> None:
    """And whoever tries again succeeds."""
    grant = given(study, ana, private)
    deed = {"do": "step", "verb": "accept", "grant": str(grant.pk), "by": WHO[private][0], "private": private}
    killed = racers(race=[{**deed, "statement": statement} for statement in range(1, 12)])
    assert ("killed" in killed, set(killed) <= {"killed", "active"}) == (True, True)
    assert (racers(race=[deed]), findings()) == (["active"], [])
    assert GrantEvent.objects.filter(grant_id=grant.pk, status="active").count() == 1


def test_accept__against_decline__is_what_came_first(study: Study, racers: Any, ana: Any) -> None:
    """The other one is told that it is decided."""
    grant = given(study, ana, private=False)
    deeds = [
        {"do": "step", "verb": verb, "grant": str(grant.pk), "by": "bea"} for verb in ("accept", "decline")
    ]
    said = racers(race=deeds)
    grant.refresh_from_db()
    assert said in (["active", "grant-state-refused"], ["grant-state-refused", "declined"])
    assert grant.status == next(word for word in said if word != "grant-state-refused")


@pytest.mark.parametrize("statement", [None, 6, 12])
def test_accept__while_its_home_is_deleted__is_asleep(
    study: Study, racers: Any, ana: Any, statement: int | None
) -> None:
    """Whichever comes first, and whoever is killed: no grant of a deleted home is active."""
    grant = given(study, ana, private=False)
    accept = {"do": "step", "verb": "accept", "grant": str(grant.pk), "by": "bea"}
    racers(race=[accept, {"do": "end_home", "home": "alpha", "statement": statement}])
    racers(race=[{"do": "end_home", "home": "alpha"}])
    grant.refresh_from_db()
    assert (Namespace.objects.get(slug="alpha").state, grant.status, findings()) == (
        "deleted",
        "suspended",
        [],
    )
