"""Namespaces over HTTP: staff, on the public host."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.tenancy.provisioning import reserve
from tests.support.clients import host_of

NAMESPACES = "/api/v1/namespaces/"
WAITING = f"{NAMESPACES}?wait=true"


@pytest.fixture
def api(api_of: Callable[..., Any], staff: Any) -> Any:
    """Staff on the public host."""
    return api_of(staff, None)


def fault(answer: Any) -> tuple[int, str, str]:
    """The status, where the first fault is, and its code."""
    first = answer.json()["errors"][0]
    return answer.status_code, first["pointer"], first["code"]


def test_create__valid__is_served_at_once(api: Any, client_of: Callable[..., Client]) -> None:
    """The host of a new namespace answers."""
    made = api.post(WAITING, {"slug": "acme", "name": "Acme", "owner": "ana@example.org"}).json()
    assert Client(headers={"host": made["host"]}).get("/").status_code == 200


def test_create__valid__names_the_address(api: Any) -> None:
    """Location is where the namespace can be read."""
    made = api.post(WAITING, {"slug": "acme", "owner": "ana@example.org"})
    assert api.get(made["Location"]).json()["slug"] == "acme"


def test_create__on_a_port__says_where_people_go(api: Any) -> None:
    """The address has the port that the request came to."""
    answer = api._client.post(
        WAITING,
        {"slug": "acme", "owner": "ana@example.org"},
        content_type="application/json",
        headers={"host": "localhost:8000"},
    )
    assert answer.json()["url"] == "http://acme.localhost:8000/"


def test_create__owner_unknown__tells_the_password_once(api: Any) -> None:
    """A new account can log in with what the answer says."""
    owner = api.post(WAITING, {"slug": "acme", "owner": "new@example.org"}).json()["owner"]
    assert User.objects.get(email="new@example.org").check_password(owner["initial_password"])


def test_create__owner_known__has_no_password_to_tell(api: Any) -> None:
    """An account that exists stays as it is."""
    owner = api.post(WAITING, {"slug": "acme", "owner": "ana@example.org"}).json()["owner"]
    assert owner == {"email": "ana@example.org", "created": False}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"slug": "alpha", "owner": "ana@example.org"}, (409, "/slug", "slug-taken")),
        ({"slug": "ALPHA", "owner": "ana@example.org"}, (409, "/slug", "slug-taken")),
        ({"slug": "-x", "owner": "ana@example.org"}, (400, "/slug", "slug-invalid")),
        ({"slug": "www", "owner": "ana@example.org"}, (400, "/slug", "slug-invalid")),
        ({"slug": "x" * 32, "owner": "ana@example.org"}, (400, "/slug", "max-length")),
        ({"slug": 'a"; drop schema public', "owner": "ana@example.org"}, (400, "/slug", "slug-invalid")),
        ({"slug": "acme", "owner": "ana"}, (400, "/owner", "invalid")),
        ({"slug": "acme", "owner": "sentinel@sentinel.invalid"}, (400, "/owner", "invalid-input")),
        ({"slug": "acme", "owner": None}, (400, "/owner", "null")),
        ({"slug": "acme"}, (400, "/owner", "required")),
        ({"slug": "acme", "owner": "ana@example.org", "name": "x" * 201}, (400, "/name", "max-length")),
        ({"slug": "acme", "owner": "ana@example.org", "state": "active"}, (400, "/state", "unknown-field")),
        (
            {"slug": "acme", "owner": "ana@example.org", "schema_name": "x"},
            (400, "/schema_name", "unknown-field"),
        ),
    ],
)
def test_create__refused__points_at_the_fault(api: Any, body: Any, expected: tuple[int, str, str]) -> None:
    """Each refusal says which field and why."""
    assert fault(api.post(WAITING, body)) == expected


def test_create__slug_taken__makes_no_account(api: Any) -> None:
    """A refusal leaves nothing behind."""
    api.post(WAITING, {"slug": "alpha", "owner": "new@example.org"})
    assert not User.objects.filter(email="new@example.org").exists()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", NAMESPACES, None),
        ("get", f"{NAMESPACES}alpha/", None),
        ("post", NAMESPACES, {"slug": "acme", "owner": "ana@example.org"}),
        ("post", f"{NAMESPACES}alpha/suspend/", None),
        ("post", f"{NAMESPACES}alpha/resume/", None),
        ("delete", f"{NAMESPACES}alpha/", {"confirm": "alpha"}),
        ("get", "/api/schema/", None),
        ("get", "/api/v1/", None),
    ],
)
def test_any__not_staff__is_forbidden(
    api_of: Callable[..., Any], ana: Any, alpha: Any, method: str, path: str, body: Any
) -> None:
    """The owner of a namespace is nobody here."""
    api = api_of(ana, None)
    send = getattr(api, method)
    assert (send(path) if body is None else send(path, body)).status_code == 403


def test_any__nobody__is_unauthorised(alpha: Any) -> None:
    """Without a login it is 401."""
    assert Client(headers={"host": "localhost"}).get(NAMESPACES).status_code == 401


def test_create__session_without_csrf_token__is_forbidden(
    client_of: Callable[..., Client], staff: Any
) -> None:
    """A session of staff alone makes nothing."""
    browser = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    browser.cookies = client_of(staff, None).cookies
    body = {"slug": "acme", "owner": "ana@example.org"}
    assert browser.post(NAMESPACES, body, content_type="application/json").json()["code"] == "csrf-failed"


def test_any__on_a_namespaces_host__is_not_there(api_of: Callable[..., Any], ana: Any, alpha: Any) -> None:
    """Namespaces are no business of a namespace."""
    assert api_of(ana, alpha).get(NAMESPACES).status_code == 404


def test_list__two_namespaces__shows_them_by_slug(api: Any, alpha: Any, beta: Any) -> None:
    """All of them, in order."""
    assert [row["slug"] for row in api.get(NAMESPACES).json()["results"]] == ["alpha", "beta"]


def test_list__limit__bounds_it(api: Any, alpha: Any, beta: Any) -> None:
    """The list is paged."""
    assert len(api.get(NAMESPACES, limit=1).json()["results"]) == 1


def test_list__more_namespaces__takes_as_many_queries(api: Any, ana: Any, alpha: Any) -> None:
    """Session, account, count, rows, hosts: whatever their number."""
    for number in range(10):
        reserve(f"acme{number}", name="Acme", owner=ana)
    with CaptureQueriesContext(connection) as sent:
        assert api.get(NAMESPACES).json()["count"] == 12
    assert len(sent) <= 5, [query["sql"] for query in sent]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"colour": "blue"}])
def test_list__parameter_unusable__is_refused(api: Any, query: dict[str, str]) -> None:
    """As in every list."""
    assert api.get(NAMESPACES, **query).status_code == 400


@pytest.mark.parametrize("slug", ["nothing", "ALPHA'--", "%00", "x" * 500])
def test_retrieve__unknown__is_not_found(api: Any, slug: str) -> None:
    """What is no namespace is 404."""
    assert api.get(f"{NAMESPACES}{slug}/").status_code == 404


def test_suspend__active__is_served_no_longer(api: Any, alpha: Any) -> None:
    """From the next request on the host answers 503."""
    api.post(f"{NAMESPACES}alpha/suspend/")
    assert Client(headers={"host": host_of(alpha)}).get("/api/v1/studies/").status_code == 503


def test_suspend__twice__is_the_same(api: Any, alpha: Any) -> None:
    """Repeating it is no error."""
    api.post(f"{NAMESPACES}alpha/suspend/")
    assert api.post(f"{NAMESPACES}alpha/suspend/").json()["state"] == "suspended"


def test_resume__suspended__is_served_again(api: Any, alpha: Any) -> None:
    """Nothing was lost."""
    api.post(f"{NAMESPACES}alpha/suspend/")
    api.post(f"{NAMESPACES}alpha/resume/")
    assert Client(headers={"host": host_of(alpha)}).get("/").status_code == 200


def test_resume__half_made__is_finished(api: Any, ana: Any) -> None:
    """A reservation becomes a namespace."""
    reserve("acme", name="Acme", owner=ana)
    assert api.post(f"{NAMESPACES}acme/resume/").json()["state"] == "active"


def test_suspend__half_made__is_refused(api: Any, ana: Any) -> None:
    """There is nothing to suspend yet."""
    reserve("acme", name="Acme", owner=ana)
    assert api.post(f"{NAMESPACES}acme/suspend/").status_code == 409


@pytest.mark.parametrize("body", [None, {}, {"confirm": "beta"}, {"confirm": ""}, {"confirm": None}, []])
def test_delete__not_confirmed__keeps_the_namespace(api: Any, alpha: Any, body: Any) -> None:
    """Only its own slug in the body deletes it."""
    assert (
        api.delete(f"{NAMESPACES}alpha/", body).status_code,
        Namespace.objects.get(slug="alpha").state,
    ) == (
        400,
        "active",
    )


def test_delete__confirmed__is_gone(api: Any, alpha: Any) -> None:
    """Its host answers as if nobody had it."""
    answer = api.delete(f"{NAMESPACES}alpha/", {"confirm": "alpha"})
    served = Client(headers={"host": host_of(alpha)}).get("/")
    assert (answer.status_code, answer.json()["state"], served.status_code) == (202, "deleted", 404)
