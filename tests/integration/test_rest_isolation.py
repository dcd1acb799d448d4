"""No endpoint of alpha reaches a row of beta: every operation of the OpenAPI document is tried."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import timeline
from smartmodels.rest.documents import openapi_document
from tenant_apps.activities.models import Activity
from tenant_apps.activities.services import record
from tenant_apps.research.models import Observation, Specimen, Study

NOBODY = str(uuid.UUID("00000000-0000-7000-8000-00000000ffff"))
SHOP = ("items", "owners", "reviews")
UNSAFE = ("post", "put", "patch", "delete")


def operations() -> list[tuple[str, str]]:
    """Every method and path below /api/v1/ on a namespace's host, but those of the tests' shop."""
    document = openapi_document("config.urls_namespace", "Namespace API", "")
    found = [(method, path) for path, methods in document["paths"].items() for method in methods]
    return [(method, path) for method, path in found if resource_of(path) not in SHOP]


def of_one_row() -> list[Any]:
    return [pytest.param(*each, id=" ".join(each)) for each in operations() if "{id}" in each[1]]


def lists() -> list[Any]:
    found = [path for method, path in operations() if method == "get" and "{" not in path]
    return [pytest.param(path, id=path) for path in found]


@pytest.fixture
def foreign(beta: Any, bea: Any) -> dict[str, Any]:
    """One row of every kind in beta, by the name of its list."""
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        study = Study.objects.create(code="B", island="Dream")
        specimen = Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
        observation = Observation.objects.create(specimen=specimen)
        activity = record(model=Study, resource_id=study.pk, kind="comment", text="Ours").activity
    return {"studies": study, "specimens": specimen, "observations": observation, "activities": activity}


def bodies(foreign: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A body for each list that would be valid in beta."""
    study, specimen = str(foreign["studies"].pk), str(foreign["specimens"].pk)
    return {
        "studies": {"code": "B2"},
        "specimens": {"study": study, "number": 2, "individual": "N2", "species": "Adelie"},
        "observations": {"specimen": specimen},
        "activities": {
            "resource_type": "research.study",
            "resource_id": study,
            "kind": "comment",
            "text": "Mine",
        },
    }


def resource_of(path: str) -> str:
    return path.split("/")[3]


def number_of(row: Any, beta: Any) -> int:
    """The number of a version of the row."""
    with namespace_scope(beta):
        return int(timeline(type(row), row.pk).values_list("history_id", flat=True)[0])


def state_of(foreign: dict[str, Any], beta: Any) -> list[Any]:
    """Everything beta's rows hold."""
    with namespace_scope(beta):
        return [
            model.all_objects.values().get(pk=row.pk) for row in foreign.values() for model in [type(row)]
        ]


def attempt(api: Any, foreign: dict[str, Any], beta: Any, method: str, path: str) -> Any:
    """Call an operation of alpha with the key, and a body, of beta's row."""
    resource = resource_of(path)
    row = foreign.get(resource)
    key = NOBODY if row is None else str(row.pk)
    version = 1 if row is None else number_of(row, beta)
    address = path.replace("{id}", key).replace("{version}", str(version))
    if resource == "users":
        address += "?since=2020-01-01T00:00:00Z"
    reverts = row is not None and path.endswith("revert/")
    body = {"version": version} if reverts else bodies(foreign).get(resource, {})
    send = getattr(api, method)
    return send(address, body) if method in UNSAFE else send(address)


@pytest.mark.parametrize(("method", "path"), of_one_row())
def test_operation__row_of_another_namespace__is_not_found(
    api_of: Callable[..., Any],
    ana: Any,
    alpha: Any,
    beta: Any,
    foreign: dict[str, Any],
    method: str,
    path: str,
) -> None:
    """The keys of others name nothing here."""
    assert attempt(api_of(ana, alpha), foreign, beta, method, path).status_code == 404


def test_operations__all_tried__leave_the_other_namespace_as_it_was(
    api_of: Callable[..., Any], ana: Any, alpha: Any, beta: Any, foreign: dict[str, Any]
) -> None:
    """Nothing of beta changes, whatever is called in alpha."""
    api, before = api_of(ana, alpha), state_of(foreign, beta)
    for method, path in operations():
        if "{id}" in path:
            attempt(api, foreign, beta, method, path)
    assert state_of(foreign, beta) == before


@pytest.mark.parametrize("resource", ["specimens", "observations", "activities"])
def test_create__pointing_at_another_namespace__is_refused(
    api_of: Callable[..., Any], ana: Any, alpha: Any, foreign: dict[str, Any], resource: str
) -> None:
    """A row of others can be nobody's parent here."""
    assert api_of(ana, alpha).post(f"/api/v1/{resource}/", bodies(foreign)[resource]).status_code == 400


@pytest.mark.parametrize("person", ["ana", "ben"])
@pytest.mark.parametrize("path", lists())
@pytest.mark.parametrize("query", [{}, {"deleted": "true"}])
def test_list__of_one_namespace__shows_nothing_of_another(
    request: pytest.FixtureRequest,
    api_of: Callable[..., Any],
    alpha: Any,
    foreign: dict[str, Any],
    person: str,
    path: str,
    query: dict[str, str],
) -> None:
    """Not even to somebody who is a member of both."""
    answer = api_of(request.getfixturevalue(person), alpha).get(path, **query)
    shown = answer.content.decode()
    assert not [row for row in foreign.values() if str(row.pk) in shown]


@pytest.mark.parametrize("resource", ["studies", "specimens", "observations", "activities"])
def test_list__asked_for_a_key_of_another_namespace__is_empty(
    api_of: Callable[..., Any], ana: Any, alpha: Any, foreign: dict[str, Any], resource: str
) -> None:
    """Filters widen nothing."""
    api = api_of(ana, alpha)
    found = api.search(f"/api/v1/{resource}/", where={"id": foreign[resource].pk})
    assert found.json()["results"] == []


def test_session__of_one_namespace__is_nobody_at_another(
    client_of: Callable[..., Any], ben: Any, alpha: Any, beta: Any
) -> None:
    """A session cookie carried over opens nothing."""
    browser, other = client_of(ben, alpha), client_of(None, beta)
    other.cookies = browser.cookies
    assert other.get("/api/v1/studies/").status_code == 401


def test_rows__of_both_namespaces__are_told_apart_by_host(
    api_of: Callable[..., Any], ben: Any, alpha: Any, beta: Any, foreign: dict[str, Any]
) -> None:
    """The same person sees on each host what is there, and no more."""
    found = [len(api_of(ben, each).get("/api/v1/activities/").json()["results"]) for each in (alpha, beta)]
    with namespace_scope(beta):
        assert found == [0, Activity.objects.count()]
