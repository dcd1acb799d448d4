"""Shared rows and grants over HTTP: what the other namespace sees, and until when."""

from typing import Any

import pytest

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.sharing import revoke, share
from tenant_apps.research.models import Specimen, Study


def make(user: Any, namespace: Any, code: str) -> Study:
    """A study that the user made in the namespace."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        study: Study = Study.objects.create(code=code)
    return study


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of alpha."""
    return make(ana, alpha, "A")


@pytest.fixture
def grant(study: Study, alpha: Any, beta: Any) -> Any:
    """The operator's consent that beta sees it."""
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        return share(study, beta)


def codes(response: Any) -> list[str]:
    """The codes on a page of studies."""
    assert response.status_code == 200, response.content
    return [row["code"] for row in response.json()["results"]]


def test_list__with_a_grant__shows_own_and_shared_rows(
    study: Study, grant: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """What is visible is the home's and what a grant shows."""
    make(bea, beta, "B")
    page = api_of(bea, beta).search("/api/v1/studies/", order="code").json()["results"]
    assert [(row["code"], row["home"]) for row in page] == [("A", "alpha"), ("B", "beta")]


@pytest.mark.parametrize(("scope", "expected"), [("own", ["B"]), ("shared", ["A"]), ("all", ["A", "B"])])
def test_list__scope__chooses(
    scope: str, expected: list[str], grant: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """``scope`` narrows the list."""
    make(bea, beta, "B")
    assert (
        codes(api_of(bea, beta).get("/api/v1/studies/", **{"scope": scope, "filter[order]": "code"}))
        == expected
    )


def test_list__scope_unknown__is_refused(grant: Any, beta: Any, bea: Any, api_of: Any) -> None:
    """Unknown input never means more rows."""
    assert api_of(bea, beta).get("/api/v1/studies/?scope=everything").status_code == 400


def test_list__rows_of_the_home_that_are_not_shared__stay_there(
    grant: Any, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A grant shows one row, not its home."""
    make(ana, alpha, "secret")
    assert codes(api_of(bea, beta).get("/api/v1/studies/")) == ["A"]


def test_list__filter_and_count__run_over_own_and_shared_rows(
    grant: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A shared row is filtered and counted like an own one."""
    make(bea, beta, "B")
    wanted = {"filter": '{"where": {"code": "A"}}'}
    page = api_of(bea, beta).get("/api/v1/studies/", headers={"prefer": "count=exact"}, **wanted).json()
    assert (page["count"], page["results"][0]["code"]) == (1, "A")


def test_list__with_a_grant__takes_few_queries(
    grant: Any, beta: Any, bea: Any, api_of: Any, django_assert_max_num_queries: Any
) -> None:
    """Two queries more where something is shared, which rows and these; in a transaction, a savepoint."""
    for number in range(20):
        make(bea, beta, f"B{number}")
    client = api_of(bea, beta)
    with django_assert_max_num_queries(8):
        client.search("/api/v1/studies/", limit=50)


def test_detail__shared_row__can_be_read(study: Study, grant: Any, beta: Any, bea: Any, api_of: Any) -> None:
    """Its address is the same as at home, and it says where that is."""
    response = api_of(bea, beta).get(f"/api/v1/studies/{study.pk}/")
    assert (response.status_code, response.json()["code"], response.json()["home"]) == (200, "A", "alpha")


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_detail__write_to_a_shared_row__is_refused(
    method: str, study: Study, grant: Any, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A grant to view is a grant to view."""
    response = getattr(api_of(bea, beta), method)(f"/api/v1/studies/{study.pk}/", {"code": "stolen"})
    assert response.status_code == 403
    with namespace_scope(alpha):
        assert Study.objects.get(pk=study.pk).code == "A"


def test_detail__after_revocation__is_not_found(
    study: Study, grant: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """S3: from the next request on."""
    client = api_of(bea, beta)
    assert client.get(f"/api/v1/studies/{study.pk}/").status_code == 200
    with operation(actor=Actor.command("share")):
        revoke(grant)
    assert client.get(f"/api/v1/studies/{study.pk}/").status_code == 404


def test_detail__deleted_at_home__is_not_found(
    study: Study, grant: Any, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A deleted row is visible nowhere."""
    with namespace_scope(alpha), operation(actor=Actor.command("delete")):
        study.delete()
    assert api_of(bea, beta).get(f"/api/v1/studies/{study.pk}/").status_code == 404


def offer(client: Any, study: Study, slug: str = "beta") -> Any:
    """Share the study by the API."""
    body = {"resource_type": "research.study", "resource_id": str(study.pk), "namespace": slug}
    return client.post("/api/v1/grants/", body)


def test_grants__offer_and_accept__make_the_row_visible(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Consent by the API of both sides."""
    offered = offer(api_of(ana, alpha), study)
    assert (offered.status_code, offered.json()["status"]) == (201, "pending"), offered.content
    theirs = api_of(bea, beta)
    assert codes(theirs.get("/api/v1/studies/")) == []
    accepted = theirs.post(f"/api/v1/grants/{offered.json()['id']}/accept/", {})
    assert accepted.json()["status"] == "active"
    assert codes(theirs.get("/api/v1/studies/")) == ["A"]


def test_grants__accepted_by_the_offering_side__is_not_found(
    study: Study, alpha: Any, ana: Any, api_of: Any
) -> None:
    """Nobody consents for somebody else."""
    client = api_of(ana, alpha)
    grant = offer(client, study).json()
    assert client.post(f"/api/v1/grants/{grant['id']}/accept/", {}).status_code == 404


def test_grants__offered_by_a_member__is_refused(study: Study, alpha: Any, ben: Any, api_of: Any) -> None:
    """Sharing is for those who manage the namespace."""
    assert offer(api_of(ben, alpha), study).status_code == 403


def test_grants__row_of_another_namespace__is_not_found(
    study: Study, beta: Any, bea: Any, api_of: Any
) -> None:
    """Only the home can share a row."""
    assert offer(api_of(bea, beta), study, "alpha").status_code == 404


def test_grants__of_others__are_not_listed(
    grant: Any, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Each side sees the grants it stands on."""
    outgoing = api_of(ana, alpha).get("/api/v1/grants/?direction=out").json()["results"]
    incoming = api_of(bea, beta).get("/api/v1/grants/?direction=out").json()["results"]
    assert ([row["resource_label"] for row in outgoing], incoming) == (["A"], [])


def test_grants__to_end_in_the_past__names_the_field(study: Study, alpha: Any, ana: Any, api_of: Any) -> None:
    """A grant that shows nothing is not made."""
    body = {
        "resource_type": "research.study",
        "resource_id": str(study.pk),
        "namespace": "beta",
        "expires_at": "2020-01-01T00:00:00Z",
    }
    answer = api_of(ana, alpha).post("/api/v1/grants/", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/expires_at")


def labels(client: Any) -> list[str | None]:
    """The titles in the list of grants."""
    return [row["resource_label"] for row in client.get("/api/v1/grants/").json()["results"]]


def test_grants__revoked__show_the_title_to_the_home_alone(
    grant: Any, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """What is taken back takes its title along."""
    before = labels(api_of(bea, beta))
    with operation(actor=Actor.command("share")):
        revoke(grant)
    assert (before, labels(api_of(bea, beta)), labels(api_of(ana, alpha))) == (["A"], [None], ["A"])


def test_grants__declined__show_no_title_to_who_declined(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Nor does one that was refused keep showing it."""
    offered = offer(api_of(ana, alpha), study).json()
    theirs = api_of(bea, beta)
    before = labels(theirs)
    theirs.post(f"/api/v1/grants/{offered['id']}/decline/", {})
    assert (before, labels(theirs)) == (["A"], [None])


def test_grants__expired__show_no_title_to_the_target(grant: Any, beta: Any, bea: Any, api_of: Any) -> None:
    """An expired grant shows nothing, its title included."""
    type(grant).objects.filter(pk=grant.pk).update(expires_at="2020-01-01T00:00:00Z")
    assert labels(api_of(bea, beta)) == [None]


def test_list__shared_row__has_no_related_rows_here(
    study: Study, grant: Any, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A grant shows one row, neither what belongs to it nor, by a filter, that there is any."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Specimen.objects.create(study=study, number=1, individual="N", species="Adelie")
    own = make(bea, beta, "B")
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        Specimen.objects.create(study=own, number=1, individual="N", species="Adelie")
    api = api_of(bea, beta)
    rows = api.search("/api/v1/studies/", include=["specimens"], order="code").json()["results"]
    found = api.search("/api/v1/studies/", where={"specimens.species": "Adelie"})
    none = api.search("/api/v1/studies/", where={"not": {"specimens.species": "Adelie"}})
    assert [len(row["specimens"]) for row in rows] == [0, 1]
    assert (codes(found), codes(none)) == (["B"], ["A"])


def test_count__with_a_grant__counts_what_the_list_shows(
    grant: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Own and shared rows together."""
    make(bea, beta, "B")
    assert api_of(bea, beta).get("/api/v1/studies/count/").json() == {"count": 2}
