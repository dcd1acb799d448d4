"""Grants over HTTP: terms, arrays, filters, events, the policy, and what nobody learns."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.sharing.models import Grant, SharingPolicy
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.sharing import accept, share
from tenant_apps.research.models import Study

GRANTS = "/api/v1/grants/"


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made: Study = Study.objects.create(code="A")
    return made


@pytest.fixture
def grant(study: Study, alpha: Any, beta: Any, ana: Any, bea: Any) -> Any:
    """A grant that ana gave and bea accepted."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana), reason="a favour"):
        given = share(study, beta, may_reshare=True)
    with operation(actor=Actor.user(bea)):
        return accept(given)


def body(study: Any, slug: str = "beta", **terms: Any) -> dict[str, Any]:
    """What sharing the study asks for."""
    return {"resource_type": "research.study", "resource_id": str(study.pk), "namespace": slug, **terms}


def test_create__with_terms__has_them(study: Study, alpha: Any, ana: Any, api_of: Any) -> None:
    """Everything that can be agreed is agreed over REST."""
    terms = {"role": "edit", "covers_below": True, "may_reshare": True, "history": "full", "at_end": "copy"}
    made = api_of(ana, alpha).post(GRANTS, body(study, **terms))
    assert made.status_code == 201, made.content
    assert {name: made.json()[name] for name in terms} == terms


def test_create__to_nobody__looks_like_to_somebody(study: Study, alpha: Any, ana: Any, api_of: Any) -> None:
    """Whoever offers learns neither from the answer nor from the number of queries who is there."""
    api, seen = api_of(ana, alpha), []
    api.post(GRANTS, body(study, "warm-up"))
    for slug in ("beta", "nobody"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = api.post(GRANTS, body(study, slug))
        asked = len(queries)
        later = api.get(f"{GRANTS}{answer.json()['id']}/").json()
        assert later["target"] == slug
        shape = {name: type(value) for name, value in answer.json().items()}
        same = {name: later[name] for name in ("status", "role", "decided_at", "ended_at")}
        seen.append((answer.status_code, shape, same, asked))
    assert seen[0] == seen[1]


def test_create__array__shares_all_of_it(study: Study, alpha: Any, ana: Any, api_of: Any) -> None:
    """Several rows and several namespaces at once, in the order of the request."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        other = Study.objects.create(code="B")
    wanted = [body(study), body(study, "gamma"), body(other)]
    made = api_of(ana, alpha).post(GRANTS, wanted)
    shown = [(row["resource_id"], row["target"]) for row in made.json()]
    assert shown == [(row["resource_id"], row["namespace"]) for row in wanted]


def test_create__array_with_faults__names_them_and_shares_nothing(
    study: Study, alpha: Any, ana: Any, api_of: Any
) -> None:
    """All or none, and every mistake is told."""
    wanted = [body(study), body(study, role="owner"), body(study, "alpha")]
    wanted.insert(1, {**body(study), "resource_id": str(uuid.uuid4())})
    answer = api_of(ana, alpha).post(GRANTS, wanted)
    assert [fault["index"] for fault in answer.json()["errors"]] == [1, 2]
    answer = api_of(ana, alpha).post(GRANTS, [wanted[0], wanted[3]])
    assert [fault["index"] for fault in answer.json()["errors"]] == [1]
    assert not Grant.objects.exists()


def test_create__sent_twice_with_a_key__is_done_once(study: Study, alpha: Any, ana: Any, api_of: Any) -> None:
    """Like every other write."""
    api, headers = api_of(ana, alpha), {"idempotency-key": "one"}
    first = api.post(GRANTS, body(study), **headers)
    again = api.post(GRANTS, body(study), **headers)
    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")


def test_create__rehearsed__shares_nothing(study: Study, alpha: Any, ana: Any, api_of: Any) -> None:
    """Told as in earnest, and taken back."""
    answer = api_of(ana, alpha).post(GRANTS, body(study), prefer="tx=rollback")
    assert (answer.status_code, Grant.objects.count()) == (201, 0)


def test_create__by_a_member_where_everybody_shares__is_for_rows_they_may_change(
    study: Study, alpha: Any, ben: Any, api_of: Any
) -> None:
    """``auto`` lets people share what they may change, and nothing else."""
    SharingPolicy.objects.create(namespace=alpha, outbound="auto")
    with namespace_scope(alpha), operation(actor=Actor.user(ben)):
        own = Study.objects.create(code="own")
    api = api_of(ben, alpha)
    assert [api.post(GRANTS, body(each)).status_code for each in (own, study)] == [201, 403]


def test_patch__by_the_home__changes_the_terms(grant: Any, alpha: Any, ana: Any, api_of: Any) -> None:
    """Extended and widened; accepted already, so it stays."""
    answer = api_of(ana, alpha).patch(
        f"{GRANTS}{grant.pk}/", {"role": "manage", "expires_at": "2999-01-01T00:00:00Z"}
    )
    assert (answer.json()["role"], answer.json()["expires_at"][:4], answer.json()["status"]) == (
        "manage", "2999", "active",
    )  # fmt: skip


@pytest.mark.parametrize("step", ["", "revoke/"])
def test_change__by_the_target__is_not_found(grant: Any, beta: Any, bea: Any, api_of: Any, step: str) -> None:
    """What a grant allows is said at its home."""
    send = api_of(bea, beta).post if step else api_of(bea, beta).patch
    assert send(f"{GRANTS}{grant.pk}/{step}", {}).status_code == 404


def test_leave__by_the_target__gives_it_back(grant: Any, beta: Any, bea: Any, api_of: Any) -> None:
    """Who was given a row can do without."""
    assert api_of(bea, beta).post(f"{GRANTS}{grant.pk}/leave/", {}).json()["status"] == "left"


def test_reshare__where_it_may__offers_it_further(grant: Any, beta: Any, bea: Any, api_of: Any) -> None:
    """To a third one, and it says where it comes from."""
    made = api_of(bea, beta).post(f"{GRANTS}{grant.pk}/reshare/", {"namespace": "gamma"})
    assert (made.status_code, Grant.objects.get(target_slug="gamma").source_id) == (201, grant.pk)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("direction=out", 1), ("direction=in", 0), ("status=active", 1), ("status=expired", 0),
        ("resource_type=research.study", 1), ("resource_type=research.specimen", 0),
        (f"resource_id={uuid.UUID(int=0)}", 0),
    ],
)  # fmt: skip
def test_list__filters__narrow_it(
    grant: Any, alpha: Any, ana: Any, api_of: Any, query: str, found: int
) -> None:
    """By side, status and row."""
    assert api_of(ana, alpha).get(f"{GRANTS}?{query}").json()["count"] == found


@pytest.mark.parametrize("query", ["direction=up", "status=odd", "resource_id=7", "sort=1"])
def test_list__odd_filters__are_refused(grant: Any, alpha: Any, ana: Any, api_of: Any, query: str) -> None:
    """What is not understood never means everything."""
    assert api_of(ana, alpha).get(f"{GRANTS}?{query}").status_code == 400


def test_list__past_its_time__is_expired_without_a_sweeper(
    grant: Any, alpha: Any, ana: Any, api_of: Any
) -> None:
    """What is shown is what the clock says."""
    Grant.objects.update(expires_at="2020-01-01T00:00:00Z")
    page = api_of(ana, alpha).get(f"{GRANTS}?status=expired").json()["results"]
    assert [row["status"] for row in page] == ["expired"]


def test_events__each_side__knows_its_own_people(grant: Any, pair_of_apis: dict[str, Any]) -> None:
    """What happened is told to both, and who did it and why to their own side."""
    seen = {
        slug: [
            (row["status"], row["actor"], row["reason"])
            for row in api.get(f"{GRANTS}{grant.pk}/events/").json()["results"]
        ]
        for slug, api in pair_of_apis.items()
    }
    assert seen == {
        "alpha": [("active", None, None), ("pending", "ana@example.org", "a favour")],
        "beta": [("active", "bea@example.org", ""), ("pending", None, None)],
    }


@pytest.fixture
def pair_of_apis(alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any) -> dict[str, Any]:
    """Clients of the owners of both sides."""
    return {"alpha": api_of(ana, alpha), "beta": api_of(bea, beta)}


def test_events__of_a_home_that_is_gone__stay(grant: Any, beta: Any, bea: Any, api_of: Any) -> None:
    """The other side reads what became of what it saw."""
    Grant.objects.update(status="revoked")
    Grant.objects.all().delete()
    rows = api_of(bea, beta).get(f"{GRANTS}events/?direction=in").json()["results"]
    assert [(row["home"], row["status"]) for row in rows] == [
        ("alpha", "revoked"), ("alpha", "active"), ("alpha", "pending"),
    ]  # fmt: skip


def test_namespaces_of_a_row__says_who_sees_it(
    study: Study, grant: Any, alpha: Any, vic: Any, api_of: Any
) -> None:
    """For everybody who can read the row."""
    page = api_of(vic, alpha).get(f"/api/v1/studies/{study.pk}/namespaces/").json()["results"]
    assert [(row["target"], row["role"]) for row in page] == [("beta", "view")]


def test_policy__put_by_an_owner__is_kept(alpha: Any, ana: Any, api_of: Any) -> None:
    """What is left out is as without a policy."""
    api, address = api_of(ana, alpha), "/api/v1/sharing-policy/"
    answer = api.put(address, {"inbound": "auto", "partners": ["beta"], "default_days": 30})
    assert answer.status_code == 200, answer.content
    assert api.get(address).json() == {
        "outbound": "approve", "inbound": "auto", "partners": ["beta"], "highest_role": "manage",
        "default_days": 30,
    }  # fmt: skip


def test_policy__by_a_member__is_refused(alpha: Any, ben: Any, api_of: Any) -> None:
    """It is for those who manage."""
    assert api_of(ben, alpha).get("/api/v1/sharing-policy/").status_code == 403
