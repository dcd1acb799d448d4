"""Whose step with a grant it was: who of a side did it, and why, is told to that side alone."""

from typing import Any

import pytest

from shared_apps.sharing.models import Grant, GrantEvent
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.sharing import leave, reshare, revoke, share
from smartmodels.tenancy import life
from tenant_apps.research.models import Specimen, Study
from tests.support.lives import act

GRANTS = "/api/v1/grants/"


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of alpha, with a specimen."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made: Study = Study.objects.create(code="A", title="Before")
        Specimen.objects.create(study=made, number=1, individual="N", species="Adelie")
    return made


@pytest.fixture
def given(study: Study, alpha: Any, beta: Any) -> Grant:
    """The operator's consent that beta sees the study, with what belongs to it, and may pass it on."""
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        made: Grant = share(study, beta, may_reshare=True, covers_below=True)
    return made


@pytest.fixture
def passed(given: Grant, beta: Any, bea: Any, gamma: Any) -> Grant:
    """What bea passed on to gamma."""
    with namespace_scope(beta), operation(actor=Actor.user(bea), reason="between us"):
        made: Grant = reshare(given, gamma)
    return made


def last_side(grant: Grant) -> str:
    """Whose the newest step was."""
    return str(GrantEvent.objects.filter(grant_id=grant.pk).latest("id").side)


def told(api: Any, grant: Grant) -> tuple[Any, Any]:
    """Who did the newest step, and why, as one side is told."""
    event = api.get(f"{GRANTS}{grant.pk}/events/").json()["results"][0]
    return event["actor"], event["reason"]


def test_leave__by_who_passed_it_on__is_not_told_to_the_home_as_its_own(
    given: Grant, passed: Grant, alpha: Any, ana: Any, bea: Any, api_of: Any
) -> None:
    """What was passed on ends with what came in: who of the second namespace left, and why, stays there."""
    with operation(actor=Actor.user(bea), reason="our secret"):
        leave(given)
    passed.refresh_from_db()
    assert passed.status == "revoked"
    assert told(api_of(ana, alpha), passed) == (None, None)


def test_leave__of_what_covers__is_told_to_the_target_as_its_own(
    given: Grant, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """What was covered was given back with it, and not taken back."""
    with operation(actor=Actor.user(bea), reason="our secret"):
        leave(given)
    follower = Grant.objects.get(cause="rule")
    seen = [told(api_of(*each), follower) for each in ((ana, alpha), (bea, beta))]
    assert seen == [(None, None), ("bea@example.org", "our secret")]


def test_revoke__by_the_home__is_its_step_also_for_what_follows(
    given: Grant, passed: Grant, alpha: Any, ana: Any
) -> None:
    """Who takes back takes back all of it."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        revoke(given)
    assert {last_side(grant) for grant in Grant.objects.all()} == {"home"}


def test_reshare__event__is_the_step_of_who_passes_on(passed: Grant, beta: Any) -> None:
    """It names who passed it on, for their own side."""
    event = GrantEvent.objects.get(grant_id=passed.pk)
    assert (event.side, event.passer_id, passed.source_id is None) == ("passer", beta.pk, False)


def test_grant__whose_target_goes__is_no_step_of_the_home(given: Grant, beta: Any) -> None:
    """Who lets a namespace go is not told to those who shared with it."""
    act(life.delete, beta)
    type(beta).objects.filter(pk=beta.pk).update(state="deleting")
    given.refresh_from_db()
    assert (given.status, last_side(given)) == ("revoked", "target")


def test_grant__that_an_edit_through_another_one_ends__is_nobodys_step(
    given: Grant, study: Study, alpha: Any, beta: Any, gamma: Any, bea: Any, api_of: Any
) -> None:
    """A row that beta moves is not covered for gamma any more: neither the home nor gamma did that."""
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        share(study, gamma, covers_below=True)
        share(study, beta, role="edit", covers_below=True)
        other = Study.objects.create(code="B")
        share(other, beta, role="edit")
    specimen = Grant.objects.get(cause="rule", target=gamma)
    answer = api_of(bea, beta).patch(f"/api/v1/specimens/{specimen.row_id}/", {"study": str(other.pk)})
    specimen.refresh_from_db()
    assert (answer.status_code, specimen.status, last_side(specimen)) == (200, "revoked", "")
