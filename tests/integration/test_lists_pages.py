"""Pages of a list over HTTP: cursors, totals on request, few queries."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.signing import Signer
from django.db import connection
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.rest.lists import counting
from smartmodels.rest.lists.counting import COUNTS, total_of
from smartmodels.sharing import share
from tenant_apps.research.models import Study

STUDIES = "/api/v1/studies/"
BEFORE_THE_VIEW = 3  # routing (off in tests: see conftest), the token, the membership


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha, where nine studies stand on two islands."""
    make(alpha, ana, [f"S{number}" for number in range(9)])
    return api_of(ana, alpha)


def make(namespace: Any, person: Any, codes: list[str]) -> None:
    with namespace_scope(namespace), operation(actor=Actor.user(person)):
        Study.objects.bulk_create(
            [Study(code=each, island=("Biscoe", "Dream")[at % 2]) for at, each in enumerate(codes)]
        )


def codes(page: Any) -> list[str]:
    return [row["code"] for row in page["results"]]


def searched(**parts: Any) -> dict[str, str]:
    """The parameter that asks for it."""
    return {"filter": json.dumps(parts)}


def cursor_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["cursor"][0]


def refusal(response: Any) -> tuple[int, str, str]:
    """The status, the fault's code, and the parameter to blame."""
    fault = response.json()["errors"][0]
    return response.status_code, fault["code"], fault["parameter"]


def test_pages__rows_inserted_between__come_once_in_order(api: Any, alpha: Any, ana: Any) -> None:
    """What is inserted behind the position is met, what is inserted before it is not; nothing comes twice."""
    page = api.get(STUDIES, **searched(order="code DESC", limit=4)).json()
    make(alpha, ana, ["S05", "S85"])
    found = codes(page)
    while page["next"] is not None:
        page = api.get(page["next"]).json()
        found += codes(page)
    assert found == ["S8", "S7", "S6", "S5", "S4", "S3", "S2", "S1", "S05", "S0"]


def test_pages__previous__leads_back_to_the_beginning(api: Any) -> None:
    """The way back shows the same pages."""
    first = api.get(STUDIES, **searched(limit=4)).json()
    second = api.get(first["next"]).json()
    back = api.get(second["previous"]).json()
    assert (first["previous"], codes(back), back["previous"]) == (None, codes(first), None)


def test_pages__after_an_offset__go_on_behind_it(api: Any) -> None:
    """The offset counts once, from the beginning of the list."""
    page = api.get(STUDIES, **searched(order="code", limit=2, skip=3)).json()
    assert "skip" not in page["next"]
    assert codes(page) + codes(api.get(page["next"]).json()) == ["S3", "S4", "S5", "S6"]


def test_pages__filtered__go_on_with_the_filter(api: Any) -> None:
    """Links keep the filter."""
    page = api.get(STUDIES, **searched(where={"island": "Biscoe"}, limit=3)).json()
    assert codes(page) + codes(api.get(page["next"]).json()) == ["S0", "S2", "S4", "S6", "S8"]


def test_pages__another_size__go_on(api: Any) -> None:
    """How many rows a page has is not what a cursor is bound to."""
    cursor = cursor_of(api.get(STUDIES, **searched(limit=2)).json()["next"])
    assert codes(api.get(STUDIES, cursor=cursor, **searched(limit=3)).json()) == ["S2", "S3", "S4"]


@pytest.mark.parametrize(
    "other",
    [searched(where={"island": "Dream"}), searched(order="code"), searched(order="id DESC"),
     {"deleted": "true"}, {"scope": "own"},
     {"as_of": "2026-01-01T00:00:00Z"}],
    ids=lambda other: "-".join(other.values()),
)  # fmt: skip
def test_cursor__of_another_list__is_refused(api: Any, other: dict[str, str]) -> None:
    """A cursor is good for its filter and order alone."""
    cursor = cursor_of(api.get(STUDIES, **searched(limit=2)).json()["next"])
    assert refusal(api.get(STUDIES, cursor=cursor, **other)) == (400, "invalid-cursor", "cursor")


def test_cursor__of_another_kind_of_rows__is_refused(api: Any) -> None:
    """Nor for other rows."""
    cursor = cursor_of(api.get(STUDIES, **searched(limit=2)).json()["next"])
    assert refusal(api.get("/api/v1/specimens/", cursor=cursor)) == (400, "invalid-cursor", "cursor")


def test_cursor__of_another_namespace__is_refused(
    api: Any, api_of: Callable[..., Any], ben: Any, alpha: Any, beta: Any
) -> None:
    """Whoever is a member of both cannot carry it over."""
    cursor = cursor_of(api_of(ben, alpha).get(STUDIES, **searched(limit=2)).json()["next"])
    assert refusal(api_of(ben, beta).get(STUDIES, cursor=cursor)) == (400, "invalid-cursor", "cursor")


@pytest.mark.parametrize(
    "cursor", ["", "x", "a:b", "\u00e9:\u00e9", "W10:x", Signer(salt="other").sign_object([0, 0, "x"])]
)
def test_cursor__made_up__is_refused(api: Any, cursor: str) -> None:
    """Only what was signed here counts."""
    assert refusal(api.get(STUDIES, cursor=cursor)) == (400, "invalid-cursor", "cursor")


def test_cursor__altered__is_refused(api: Any) -> None:
    """No letter of it can change."""
    cursor = cursor_of(api.get(STUDIES, **searched(limit=2)).json()["next"])
    for place in range(0, len(cursor), 7):
        letter = "A" if cursor[place] != "A" else "B"
        altered = cursor[:place] + letter + cursor[place + 1 :]
        assert refusal(api.get(STUDIES, cursor=altered)) == (400, "invalid-cursor", "cursor")


def test_page__without_a_preference__counts_nothing(api: Any) -> None:
    """One query for what is shared, one for the rows; no total and no header."""
    api.get(STUDIES)
    with CaptureQueriesContext(connection) as sent:
        response = api.get(STUDIES, **searched(limit=3))
    assert ("count" in response.json(), "Preference-Applied" in response.headers) == (False, False)
    assert len(sent) == BEFORE_THE_VIEW + 2
    assert "COUNT(" not in " ".join(query["sql"] for query in sent)


@pytest.mark.parametrize("kind", ["exact", "estimated"])
def test_page__count_preferred__is_told(api: Any, kind: str) -> None:
    """The total is of all pages, under the filter."""
    response = api.get(
        STUDIES, headers={"prefer": f"count={kind}"}, **searched(where={"island": "Dream"}, limit=2)
    )
    assert (response.json()["count"], response.headers["Preference-Applied"]) == (4, f"count={kind}")


def test_page__count_preferred_with_a_cursor__is_of_all_pages(api: Any) -> None:
    """A position is no filter."""
    page = api.get(STUDIES, **searched(limit=2)).json()
    assert api.get(page["next"], headers={"prefer": "count=exact"}).json()["count"] == 9


def test_estimate__of_rows_that_are_dear_to_count__counts_none(
    api: Any, alpha: Any, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where counting would take long, only the plan is asked."""
    monkeypatch.setattr(counting, "_CHEAP", 0.0)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Study.objects.bulk_create([Study(code=f"T{number}") for number in range(400)])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE research_study")
    with CaptureQueriesContext(connection) as sent:
        count = api.get(STUDIES, headers={"prefer": "count=estimated"}).json()["count"]
    asked = " ".join(query["sql"] for query in sent)
    assert ("EXPLAIN" in asked, "COUNT(" in asked) == (True, False)
    assert 300 <= count <= 500


@pytest.mark.parametrize("prefer", ["count=all", "count", "wait=5", ";;,=,", "return=minimal"])
def test_page__preference_unknown__is_ignored(api: Any, prefer: str) -> None:
    """A preference is no demand (RFC 7240)."""
    response = api.get(STUDIES, headers={"prefer": prefer})
    assert (response.status_code, "count" in response.json()) == (200, False)


@pytest.mark.parametrize("asked", [{"scope": "shared"}, searched(where={"code": "nothing"})])
def test_estimate__of_nothing__is_nothing(api: Any, asked: dict[str, str]) -> None:
    """What Django or PostgreSQL knows to be empty is empty."""
    assert api.get(STUDIES, headers={"prefer": "count=estimated"}, **asked).json()["count"] == 0


def test_estimate__of_no_keys__is_nothing(in_alpha: Any) -> None:
    """Nor is PostgreSQL asked when Django finds the condition to be false."""
    assert [total_of(Study.objects.filter(pk__in=[]), kind) for kind in COUNTS] == [0, 0]


def test_pages__of_shared_and_own_rows__cover_both_once(api: Any, alpha: Any, beta: Any) -> None:
    """A list over several homes is walked like any other, and knows the home of each row."""
    with namespace_scope(beta), operation(actor=Actor.command("share")):
        for number in range(3):
            share(Study.objects.create(code=f"B{number}"), alpha)
    found: list[tuple[str, str]] = []
    page = api.get(
        STUDIES, headers={"prefer": "count=estimated"}, **searched(order="code DESC", limit=4)
    ).json()
    total = page["count"]
    while True:
        found += [(row["code"], row["home"]) for row in page["results"]]
        if page["next"] is None:
            break
        page = api.get(page["next"]).json()
    expected = [(f"S{number}", "alpha") for number in range(9)] + [(f"B{n}", "beta") for n in range(3)]
    assert (found, total) == (sorted(expected, reverse=True), 12)
