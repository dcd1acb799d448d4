"""What a namespace reads of rows that others share: leaks, cards, versions."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.namespaces.models import Namespace
from shared_apps.sharing.models import Grant
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.sharing import share, visible_rows
from smartmodels.tenancy.models import State
from tenant_apps.research.models import Study

STUDIES = "/api/v1/studies/"


def granted(row: Any, home: Any, target: Any, **terms: Any) -> Grant:
    """Share a row as the operator, who speaks for both sides."""
    with namespace_scope(home), operation(actor=Actor.command("share")):
        grant: Grant = share(row, target, **terms)
    return grant


def made(user: Any, namespace: Any, code: str, **values: Any) -> Study:
    """A study that the user made in the namespace."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        study: Study = Study.objects.create(code=code, **values)
    return study


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of alpha, whose notes are nobody else's business."""
    return made(ana, alpha, "A", title="Season", notes="secret")


@pytest.fixture
def grant(study: Study, alpha: Any, beta: Any) -> Grant:
    """Beta sees it."""
    return granted(study, alpha, beta, role="edit")


@pytest.fixture
def api(grant: Grant, beta: Any, bea: Any, api_of: Any) -> Any:
    """Bea's client, where the study is shared."""
    return api_of(bea, beta)


@pytest.fixture
def titles_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may see code and title of studies."""
    monkeypatch.setattr(Study, "smart", replace(Study.smart, view_fields=("code", "title")))


def rows_of(response: Any) -> list[dict[str, Any]]:
    """The rows on a page."""
    assert response.status_code == 200, response.content
    rows: list[dict[str, Any]] = response.json()["results"]
    return rows


def test_find_one__shared_row__is_shown_as_in_lists(api: Any) -> None:
    """The first of the selected rows may be another's."""
    row = api.get(f"{STUDIES}findOne/").json()
    assert (row["code"], row["home"], row["role"], row["shared"]) == ("A", "alpha", "edit", True)


# Statements


@pytest.mark.parametrize("query", [{}, {"filter": '{"where": {"island": "Dream"}, "order": "title"}'}])
def test_list__more_shared_rows__takes_no_more_statements(
    query: dict[str, str], alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Statements grow with lots of homes, not with rows."""
    api = api_of(bea, beta)
    granted(made(ana, alpha, "A", island="Dream"), alpha, beta)
    api.get(STUDIES, **query)
    with CaptureQueriesContext(connection) as one:
        api.get(STUDIES, **query)
    for number in range(20):
        granted(made(ana, alpha, f"A{number}", island="Dream"), alpha, beta)
    with CaptureQueriesContext(connection) as many:
        api.get(STUDIES, **query)
    assert len(many) == len(one)


# What of a row others see


def test_list__view_fields__show_no_more(titles_only: None, api: Any) -> None:
    """A shared row is its view_fields, its key, and what is told of it here."""
    (row,) = rows_of(api.get(STUDIES))
    assert row == {
        "id": row["id"], "code": "A", "title": "Season", "home": "alpha", "role": "edit", "shared": True,
    }  # fmt: skip


def test_list__view_fields__leave_own_rows_whole(titles_only: None, api: Any, beta: Any, bea: Any) -> None:
    """What others may see does not narrow what is one's own."""
    made(bea, beta, "B", notes="mine")
    rows = rows_of(api.get(STUDIES))
    assert [row.get("notes") for row in rows] == [None, "mine"]
    assert (rows[1]["home"], rows[1]["role"], rows[1]["shared"]) == ("beta", None, False)


def test_detail__view_fields__show_no_more(titles_only: None, api: Any, study: Study) -> None:
    """Nor does its own address."""
    row = api.get(f"{STUDIES}{study.pk}/").json()
    assert set(row) == {"id", "code", "title", "home", "role", "shared"}


@pytest.mark.parametrize(
    "asked",
    [
        {"where": {"notes": "secret"}},
        {"where": {"not": {"notes": {"like": "s%"}}}},
        {"where": {"or": [{"code": "A"}, {"notes": "x"}]}},
        {"where": {"owner": None}},
        {"order": "notes"},
        {"order": "created_at DESC"},
        {"fields": ["notes"]},
    ],
)
@pytest.mark.parametrize("scope", ["all", "shared"])
def test_list__by_a_field_that_is_not_shown__is_refused(
    scope: str, asked: Any, titles_only: None, api: Any
) -> None:
    """What is not shown cannot be guessed by conditions and orders either; the message names the way out."""
    response = api.get(STUDIES, scope=scope, filter=json.dumps(asked))
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "not-shown")
    assert "scope=own" in response.json()["errors"][0]["detail"]


@pytest.mark.parametrize("path", ["count/", "findOne/"])
def test_count__by_a_field_that_is_not_shown__is_refused(path: str, titles_only: None, api: Any) -> None:
    """Nor by what stands beside the list."""
    name, where = ("where", {"notes": "secret"}) if path == "count/" else ("filter", {"order": "notes"})
    assert api.get(f"{STUDIES}{path}", **{name: json.dumps(where)}).status_code == 400


def test_list__own_rows__are_searched_by_every_field(
    titles_only: None, api: Any, beta: Any, bea: Any
) -> None:
    """With scope=own."""
    made(bea, beta, "B", notes="mine")
    asked = json.dumps({"where": {"notes": "mine"}})
    assert [row["code"] for row in rows_of(api.get(STUDIES, scope="own", filter=asked))] == ["B"]


def test_list__by_a_field_that_is_shown__finds_the_row(titles_only: None, api: Any) -> None:
    """What is shown can be searched."""
    asked = json.dumps({"where": {"title": "Season"}, "order": "title"})
    assert [row["code"] for row in rows_of(api.get(STUDIES, filter=asked))] == ["A"]


def test_export__view_fields__leave_the_cells_of_others_empty(titles_only: None, api: Any) -> None:
    """A file tells no more than a page."""
    text = b"".join(api.get(STUDIES, format="csv").streaming_content).decode()
    assert "Season" in text
    assert "secret" not in text


# Homes that cannot be read


def test_list__home_in_maintenance__shows_a_card(api: Any, alpha: Any, study: Study) -> None:
    """The list stands, with what the registry knows of the row."""
    Namespace.objects.filter(pk=alpha.pk).update(state=State.MAINTENANCE)
    assert rows_of(api.get(STUDIES)) == [
        {"id": str(study.pk), "home": "alpha", "role": "edit", "shared": True, "label": "A",
         "unavailable": True}
    ]  # fmt: skip


def test_detail__home_in_maintenance__is_a_card(api: Any, alpha: Any, study: Study) -> None:
    """So is the row itself."""
    Namespace.objects.filter(pk=alpha.pk).update(state=State.MAINTENANCE)
    response = api.get(f"{STUDIES}{study.pk}/")
    assert (response.status_code, response.json()["unavailable"]) == (200, True)


def test_list__filtered__leaves_out_what_cannot_be_judged(api: Any, alpha: Any) -> None:
    """Whether a row of a home that cannot be read fulfils a condition is not known."""
    Namespace.objects.filter(pk=alpha.pk).update(state=State.MAINTENANCE)
    assert rows_of(api.get(STUDIES, filter='{"where": {"code": "A"}}')) == []


@pytest.mark.parametrize("query", [{}, {"filter": '{"order": "title"}'}])
def test_list__table_is_gone__never_fails(
    query: dict[str, str], api: Any, alpha: Any, beta: Any, bea: Any
) -> None:
    """A home whose tables are not as they should be breaks nobody else's list."""
    made(bea, beta, "B")
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{alpha.schema_name}".research_study RENAME COLUMN title TO titel')
    rows = rows_of(api.get(STUDIES, **query))
    assert [row.get("code") for row in rows if "unavailable" not in row] == ["B"]
    assert len(rows) == (1 if query else 2)


# Versions


def changed(user: Any, namespace: Any, study: Study, **values: Any) -> None:
    """Change the study at home."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        row = Study.objects.get(pk=study.pk)
        for name, value in values.items():
            setattr(row, name, value)
        row.save()


def test_history__not_granted__is_not_found(api: Any, study: Study) -> None:
    """A grant shows the row as it is."""
    assert api.get(f"{STUDIES}{study.pk}/history/").status_code == 404


@pytest.mark.parametrize(("scope", "number"), [("full", 2), ("since", 1)])
def test_history__granted__shows_its_versions(
    scope: str, number: int, study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """All of them, or those since the grant."""
    grant = granted(study, alpha, beta, history=scope)
    changed(ana, alpha, study, title="Later")
    with namespace_scope(alpha):
        latest = Study.history.filter(id=study.pk).latest("history_date").history_date
    Grant.objects.filter(pk=grant.pk).update(created_at=latest)
    versions = rows_of(api_of(bea, beta).get(f"{STUDIES}{study.pk}/history/"))
    assert len(versions) == number


def test_version__view_fields__show_no_more(
    titles_only: None, study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Neither in its values nor in what it changed."""
    granted(study, alpha, beta, history="full")
    changed(ana, alpha, study, title="Later", notes="more secret")
    api = api_of(bea, beta)
    version = rows_of(api.get(f"{STUDIES}{study.pk}/history/"))[0]["version"]
    shown = api.get(f"{STUDIES}{study.pk}/history/{version}/").json()
    assert set(shown["values"]) == {"id", "code", "title", "home", "role", "shared"}
    assert [change["field"] for change in shown["changes"]] == ["title"]
    assert shown["values"]["home"] == "alpha"


def test_version__before_the_grant__is_not_found(
    study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """By its number neither."""
    grant = granted(study, alpha, beta, history="since")
    with namespace_scope(alpha):
        version = Study.history.filter(id=study.pk).get()
    assert version.history_date < grant.created_at
    assert api_of(bea, beta).get(f"{STUDIES}{study.pk}/history/{version.pk}/").status_code == 404


# In Python


def test_visible_rows__frame__has_own_and_shared_rows(grant: Grant, beta: Any, bea: Any) -> None:
    """Frames run over what is visible."""
    made(bea, beta, "B")
    with namespace_scope(beta):
        frame = visible_rows(Study).order_by("code").to_dataframe(["code", "home"])
    assert [*zip(frame["code"], frame["home"], strict=True)] == [("A", "alpha"), ("B", "beta")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [(["beta"], ["A"]), (["alpha"], ["A", "B"]), (["sentinel"], ["A", "B"]), (["gamma"], []), ([], [])],
)
def test_filter__namespaces__finds_what_is_visible_there(
    given: list[str], expected: list[str], grant: Grant, alpha: Any, ana: Any
) -> None:
    """Home has all rows of its own, the sentinel namespace virtually everything, others what is granted."""
    made(ana, alpha, "B")
    with namespace_scope(alpha):
        found = Study.objects.filter(namespaces__in=given).order_by("code")
        assert [study.code for study in found] == expected


def test_exclude__namespaces__leaves_the_others(grant: Grant, alpha: Any, beta: Any, ana: Any) -> None:
    """What is not visible there yet."""
    made(ana, alpha, "B")
    with namespace_scope(alpha):
        assert [study.code for study in Study.objects.exclude(namespaces=beta)] == ["B"]
