"""What a namespace passed on it sees and takes back; who manages a row of others sees its grants."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from shared_apps.sharing.models import Grant, GrantEvent
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import NotPermitted
from smartmodels.sharing import grant_for, reshare, revoke, share
from smartmodels.tenancy.models import Role, get_membership_model
from tenant_apps.research.models import Study
from tests.support.many import cheap_namespace

GRANTS = "/api/v1/grants/"


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made: Study = Study.objects.create(code="PAL0708", title="Before")
    return made


@pytest.fixture
def given(study: Study, alpha: Any, beta: Any) -> Grant:
    """The operator's consent that beta manages the study and may pass it on."""
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        made: Grant = share(study, beta, role="manage", may_reshare=True)
    return made


@pytest.fixture
def passed(given: Grant, beta: Any, gamma: Any) -> Grant:
    """What the operator passed on to gamma, on behalf of both."""
    with namespace_scope(beta), operation(actor=Actor.command("share")):
        made: Grant = reshare(given, gamma)
    return made


def test_reshare__grant__has_who_passed_it_on(passed: Grant, beta: Any) -> None:
    """It stands in the grant, whoever writes it."""
    passed.refresh_from_db()
    assert passed.passer_id == beta.pk


@pytest.mark.parametrize(("direction", "is_there"), [("passed", True), ("out", False), ("in", False)])
def test_list__by_direction__has_what_was_passed_on(
    passed: Grant, beta: Any, bea: Any, api_of: Any, direction: str, is_there: bool
) -> None:
    """By a direction of its own."""
    page = api_of(bea, beta).get(f"{GRANTS}?direction={direction}").json()["results"]
    assert (str(passed.pk) in [row["id"] for row in page]) == is_there


def test_events__of_what_was_passed_on__are_told_to_who_did(
    passed: Grant, beta: Any, bea: Any, api_of: Any
) -> None:
    """With the name of who of them it was."""
    [event] = api_of(bea, beta).get(f"{GRANTS}events/?direction=passed").json()["results"]
    assert (event["grant"], event["actor"]) == (str(passed.pk), "share")


def test_revoke__by_who_passed_it_on__takes_it_back(
    passed: Grant, study: Study, gamma: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """From the next read on, and it is their step."""
    answer = api_of(bea, beta).post(f"{GRANTS}{passed.pk}/revoke/", {})
    event = GrantEvent.objects.filter(grant_id=passed.pk).latest("id")
    assert (answer.status_code, answer.json()["status"], event.side) == (200, "revoked", "passer")
    with namespace_scope(gamma):
        assert grant_for(Study, study.pk) is None


def test_revoke__by_who_passed_it_on__leaves_what_they_hold(
    passed: Grant, given: Grant, beta: Any, bea: Any
) -> None:
    """Only what was passed on ends."""
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        revoke(Grant.objects.get(pk=passed.pk))
    given.refresh_from_db()
    assert given.status == "active"


def test_revoke__by_who_holds_both__is_the_step_of_the_namespace_they_are_in(
    passed: Grant, alpha: Any, beta: Any, ana: Any
) -> None:
    """Not of the home because somebody there could have done it as well."""
    get_membership_model().objects.create(namespace=beta, user=ana, role=Role.ADMIN)
    with namespace_scope(beta), operation(actor=Actor.user(ana)):
        revoke(Grant.objects.get(pk=passed.pk))
    assert GrantEvent.objects.filter(grant_id=passed.pk).latest("id").side == "passer"


def test_revoke__by_who_stands_on_neither_side__is_not_permitted(passed: Grant, vic: Any) -> None:
    """A member of the home is nobody who decides."""
    with operation(actor=Actor.user(vic)), pytest.raises(NotPermitted):
        revoke(Grant.objects.get(pk=passed.pk))


def test_change__by_who_passed_it_on__is_not_found(passed: Grant, beta: Any, bea: Any, api_of: Any) -> None:
    """What a grant allows is said at its home."""
    assert api_of(bea, beta).patch(f"{GRANTS}{passed.pk}/", {"role": "edit"}).status_code == 404


def test_command__passed_by__lists_it(passed: Grant, given: Grant) -> None:
    """The operator sees by whom."""
    out = StringIO()
    call_command("share", "list", "--passed-by", "beta", "--json", stdout=out)
    assert [(row["id"], row["passed_by"]) for row in json.loads(out.getvalue())] == [(str(passed.pk), "beta")]


def test_outbox__of_who_passed_it_on__takes_it_back(
    passed: Grant, beta: Any, bea: Any, client_of: Any
) -> None:
    """It stands among what goes out, without terms to change."""
    client = client_of(bea, beta)
    page = client.get("/admin/sharing/out/").text
    assert ("gamma, passed on" in page, "Extend" in page) == (True, False)
    client.post("/admin/sharing/out/", {"do": "revoke", "grant": passed.pk})
    passed.refresh_from_db()
    assert passed.status == "revoked"


# Who manages a row


@pytest.fixture
def delta(study: Study, alpha: Any) -> Any:
    """A fourth namespace, that the home shares the row with, and offers it to a fifth."""
    made = cheap_namespace("delta", like=alpha)
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        share(study, made, role="edit")
        share(study, "epsilon")
    return made


def test_namespaces_of_a_row__for_who_manages_it__has_others_without_their_names(
    passed: Grant, delta: Any, study: Study, beta: Any, bea: Any, api_of: Any
) -> None:
    """Their own, what they passed on, and that there is another one: not who, and no offers."""
    page = api_of(bea, beta).get(f"/api/v1/studies/{study.pk}/namespaces/").json()["results"]
    seen = [(row["target"], row["role"], row["source"] is None) for row in page]
    assert seen == [(None, "edit", True), ("gamma", "view", False), ("beta", "manage", True)]


def test_namespaces_of_a_row__for_who_may_less__is_not_permitted(
    given: Grant, study: Study, beta: Any, bea: Any, api_of: Any
) -> None:
    """It takes one to manage it."""
    Grant.objects.update(role="edit")
    assert api_of(bea, beta).get(f"/api/v1/studies/{study.pk}/namespaces/").status_code == 403
