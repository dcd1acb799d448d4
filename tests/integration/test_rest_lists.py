"""Lists: bounded, ordered, in few queries; what filters select is in test_filter_*.py."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Observation, Specimen, Study

STUDIES = "/api/v1/studies/"
BEFORE_THE_VIEW = 3  # routing (off in tests: see conftest), the token, the membership
OF_A_LIST = 2  # what is shared from elsewhere, the rows of the page


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha."""
    return api_of(ana, alpha)


@pytest.fixture
def fifty(alpha: Any, ana: Any) -> None:
    """Fifty studies, of which ten are on Dream."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        for number in range(50):
            Study.objects.create(code=f"S{number:02}", island="Dream" if number % 5 == 0 else "Biscoe")


def codes(response: Any) -> list[str]:
    return [row["code"] for row in response.json()["results"]]


def parameter(response: Any) -> tuple[int, str]:
    """The status, and which parameter is to blame."""
    return response.status_code, response.json()["errors"][0]["parameter"]


def test_list__fifty_rows__takes_two_queries(api: Any, fifty: None) -> None:
    """Nothing is asked per row."""
    api.get(STUDIES)
    with CaptureQueriesContext(connection) as sent:
        assert len(api.get(STUDIES).json()["results"]) == 50
    assert len(sent) <= BEFORE_THE_VIEW + OF_A_LIST, [query["sql"] for query in sent]


def test_list__children__take_no_query_per_row(api: Any, alpha: Any, ana: Any) -> None:
    """References are keys and need no query."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        study = Study.objects.create(code="S")
        specimen = Specimen.objects.create(study=study, number=1, individual="N", species="Adelie")
        Observation.objects.bulk_create([Observation(specimen=specimen) for _ in range(50)])
    api.get("/api/v1/observations/")
    with CaptureQueriesContext(connection) as sent:
        api.get("/api/v1/observations/")
    assert len(sent) <= BEFORE_THE_VIEW + OF_A_LIST, [query["sql"] for query in sent]


def test_list__no_order_asked__is_the_order_of_creation(api: Any, fifty: None) -> None:
    """Rows stand in the order in which they were made."""
    assert codes(api.get(STUDIES)) == [f"S{number:02}" for number in range(50)]


def test_list__descending__turns_round(api: Any, fifty: None) -> None:
    """DESC reverses a column's order."""
    assert codes(api.search(STUDIES, order="island, code DESC", limit=2)) == ["S49", "S48"]


def test_list__pages__cover_everything_once(api: Any, fifty: None) -> None:
    """Following `next` from page to page meets every row once, also among equals."""
    found, page = [], api.search(STUDIES, limit=7, order="island").json()
    while True:
        found += [row["code"] for row in page["results"]]
        if page["next"] is None:
            break
        page = api.get(page["next"]).json()
    assert sorted(found) == [f"S{number:02}" for number in range(50)]


def test_list__huge_limit__is_clamped(api: Any, fifty: None, settings: Any) -> None:
    """No page is larger than the largest."""
    settings.SMARTMODELS_PAGE_SIZE_MAX = 20
    assert len(codes(api.search(STUDIES, limit=10**9))) == 20


def test_list__skip_beyond_the_end__is_empty(api: Any, fifty: None) -> None:
    """Behind the last row there is nothing, and no error."""
    assert codes(api.search(STUDIES, skip=10**30)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "1"),
        ("offset", "1"),
        ("ordering", "code"),
        ("deleted", "maybe"),
        ("colour", "blue"),
        ("code", "S"),
        ("code__startswith", "S"),
        ("owner__email", "ana@example.org"),
        ("filters", "{}"),
        ("where", "{}"),
        ("where[code]", "S"),
    ],
)
def test_list__parameter_unusable__is_refused(api: Any, name: str, value: str) -> None:
    """What is unknown or malformed is 400, by name, and never more rows."""
    assert parameter(api.get(STUDIES, **{name: value})) == (400, name)


def test_list__parameter_given_twice__is_refused(api: Any) -> None:
    """Two values are ambiguous."""
    assert parameter(api.get(f"{STUDIES}?deleted=true&deleted=false")) == (400, "deleted")


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"limit": ""}, "/limit"),
        ({"limit": "\u0661"}, "/limit"),
        ({"skip": 1.5}, "/skip"),
        ({"order": "secret"}, "/order"),
        ({"order": "-code"}, "/order"),
        ({"order": "owner__password"}, "/order"),
        ({"where": {"code__startswith": "S"}}, "/where/code__startswith"),
        ({"where": {"owner__email": "ana@example.org"}}, "/where/owner__email"),
        ({"where": {"owner.email": "ana@example.org"}}, "/where/owner.email"),
        ({"where": {"former_owner_id": None}}, "/where/former_owner_id"),
        ({"where": {"created_at": "yesterday"}}, "/where/created_at"),
        ({"where": {"owner": "ana"}}, "/where/owner"),
        ({"where": {"code": "a\x00b"}}, "/where/code"),
        ({"where": {"a\ud800b": 1}}, "/where/a\\ud800b"),
        ({"include": ["owner"]}, "/include"),
    ],
)
def test_list__filter_unusable__is_refused(api: Any, given: Any, pointer: str) -> None:
    """What is unknown, hidden or malformed is 400, by its place, and never more rows."""
    answer = api.search(STUDIES, **given)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_list__filtered__shows_exact_matches(api: Any, fifty: None) -> None:
    """All conditions hold."""
    assert codes(api.search(STUDIES, where={"island": "Dream", "code": "S05"})) == ["S05"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("code", "s05"), ("code", "S0"), ("code", "S05%"), ("code", "' OR 1=1 --"), ("title", "null")],
)
def test_list__nothing_matches__is_empty(api: Any, fifty: None, name: str, value: str) -> None:
    """Matches are exact: no pattern, no case folding, no SQL."""
    assert codes(api.search(STUDIES, where={name: value})) == []


def test_list__number_out_of_range__is_empty(api: Any) -> None:
    """A number no column can hold matches nothing."""
    assert api.search("/api/v1/specimens/", where={"number": 10**30}).json()["results"] == []


def test_list__null_asked_for__shows_rows_without_value(api: Any, alpha: Any, ana: Any) -> None:
    """Null stands for no value where a column can be without."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        study = Study.objects.create(code="S")
        Specimen.objects.create(study=study, number=1, individual="N", species="Adelie")
        Specimen.objects.create(study=study, number=2, individual="N", species="Adelie", clutch_complete=True)
    found = api.search("/api/v1/specimens/", where={"clutch_complete": None}).json()["results"]
    assert [row["number"] for row in found] == [1]


def test_list__by_parent__shows_its_children(api: Any, alpha: Any, ana: Any) -> None:
    """A reference is filtered by key."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        here, there = Study.objects.create(code="A"), Study.objects.create(code="B")
        Specimen.objects.create(study=here, number=1, individual="N", species="Adelie")
        Specimen.objects.create(study=there, number=2, individual="N", species="Adelie")
    found = api.search("/api/v1/specimens/", where={"study": there.pk}).json()["results"]
    assert [row["number"] for row in found] == [2]


def test_list__deleted_asked_for__shows_only_those(api: Any, fifty: None) -> None:
    """The recycle bin is a list like any other."""
    row = api.search(STUDIES, where={"code": "S05"}).json()["results"][0]
    api.delete(f"{STUDIES}{row['id']}/")
    assert codes(api.get(STUDIES, deleted="true")) == ["S05"]


def test_list__row_deleted__is_gone(api: Any, fifty: None) -> None:
    """A deleted row is in no ordinary list."""
    row = api.search(STUDIES, where={"code": "S05"}).json()["results"][0]
    api.delete(f"{STUDIES}{row['id']}/")
    assert "S05" not in codes(api.get(STUDIES))
