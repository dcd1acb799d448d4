"""What a shared row does not show is told by no way of asking: no value, count, order, file or report."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.sharing import share
from tenant_apps.research.models import Specimen, Study

STUDIES, SPECIMENS = "/api/v1/studies/", "/api/v1/specimens/"
SECRET = "nobody-elses-business"


@pytest.fixture(autouse=True)
def _titles_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may see code and title of studies."""
    monkeypatch.setattr(Study, "smart", replace(Study.smart, view_fields=("code", "title")))


@pytest.fixture
def study(alpha: Any, ana: Any, beta: Any) -> Study:
    """A study of alpha with a specimen; both are shared with beta to be edited."""
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        study: Study = Study.objects.create(code="A", title="Season", notes=SECRET, owner=ana)
        specimen = Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
        for row in (study, specimen):
            share(row, beta, role="edit", history="full")
    return study


@pytest.fixture
def api(study: Study, beta: Any, bea: Any, api_of: Any) -> Any:
    """Bea's client, where the study is shared; beta has a study of its own."""
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        Study.objects.create(code="B", notes="mine")
    return api_of(bea, beta)


BY_NOTES: dict[str, Any] = {"where": {"notes": SECRET}}
IN_ORDER: dict[str, Any] = {"order": ["notes DESC"]}
SHOWN: dict[str, Any] = {"fields": {"notes": True}}

Way = Callable[[Any, dict[str, Any]], Any]


def _listed(**more: Any) -> Way:
    return lambda api, asked: api.get(STUDIES, filter=json.dumps(asked), **more)


WAYS: dict[str, Way] = {
    "list": _listed(),
    "shared": _listed(scope="shared"),
    "find": lambda api, asked: api.post(f"{STUDIES}find/", asked),
    "findOne": lambda api, asked: api.get(f"{STUDIES}findOne/", filter=json.dumps(asked)),
    "counted": lambda api, asked: api.get(
        STUDIES, headers={"prefer": "count=exact"}, filter=json.dumps(asked)
    ),
    **{form: _listed(format=form) for form in ("csv", "ndjson", "xlsx", "parquet")},
}


@pytest.mark.parametrize("asked", [BY_NOTES, IN_ORDER, SHOWN], ids=["where", "order", "fields"])
@pytest.mark.parametrize("way", WAYS)
def test_hidden_field__asked_for_in_any_way__is_refused(way: str, asked: dict[str, Any], api: Any) -> None:
    """The same answer whether or not a row matches."""
    answers = [WAYS[way](api, each) for each in (asked, json.loads(json.dumps(asked).replace(SECRET, "x")))]
    assert [(each.status_code, each.json()["errors"][0]["code"]) for each in answers] == [
        (400, "not-shown")
    ] * 2


@pytest.mark.parametrize(
    "where",
    [{"and": [{"code": "A"}, {"notes": SECRET}]}, {"nor": [{"notes": SECRET}]}, {"not": {"notes": "x"}},
     {"notes": {"regexp": "^n"}}, {"notes": {"exists": True}}, {"notes": {"gt": "a"}},
     {"namespaces": "beta", "notes": SECRET}],
)  # fmt: skip
def test_hidden_field__counted_by__is_refused(where: Any, api: Any) -> None:
    """However the condition is wrapped."""
    assert api.get(f"{STUDIES}count/", where=json.dumps(where)).status_code == 400


def test_hidden_field__of_a_related_row__matches_nothing(api: Any) -> None:
    """A shared specimen does not open its study: conditions on related rows are about rows at home here."""
    for where in ({"study.notes": SECRET}, {"study.code": "A"}, {"study.notes": {"exists": True}}):
        found = api.get(SPECIMENS, filter=json.dumps({"where": where}))
        assert (found.status_code, found.json()["results"]) == (200, [])


def test_hidden_field__included__is_not_shown(api: Any) -> None:
    """Nor does a relation that is embedded."""
    for path, relation in ((SPECIMENS, "study"), (STUDIES, "specimens")):
        answer = api.get(path, filter=json.dumps({"include": [relation]}))
        assert (answer.status_code, SECRET in answer.content.decode()) == (200, False)


def test_cursor__of_own_rows_in_a_hidden_order__is_no_way_into_shared_ones(
    api: Any, beta: Any, bea: Any
) -> None:
    """A cursor is good for the scope it was given in."""
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        Study.objects.create(code="C", notes="more")
    asked = json.dumps({"order": "notes", "limit": 1})
    following = api.get(STUDIES, scope="own", filter=asked).json()["next"]
    assert api.get(following.replace("scope=own", "scope=all")).status_code == 400


@pytest.mark.parametrize("form", ["csv", "ndjson", "xlsx"])
def test_export__of_everything__has_none_of_it(form: str, api: Any) -> None:
    """Files hold what lists show."""
    answer = api.get(STUDIES, format=form)
    content = b"".join(answer.streaming_content)
    assert (answer.status_code, SECRET.encode() in content) == (200, False)
    assert form == "xlsx" or b"Season" in content


def test_change_by_where__on_a_hidden_field__meets_own_rows_alone(api: Any, study: Study, alpha: Any) -> None:
    """Nothing of others is written, and the number of rows tells nothing of them."""
    where = json.dumps({"notes": {"inq": [SECRET, "mine"]}})
    answer = api.patch(f"{STUDIES}?where={where}&max_affected=5", {"title": "Changed"})
    assert answer.status_code == 200, answer.content
    with namespace_scope(alpha):
        assert Study.objects.get(pk=study.pk).title == "Season"


def test_write__that_guesses_a_hidden_field__answers_alike(api: Any, study: Study) -> None:
    """Sending back what it is, or is not, makes no difference."""
    answers = [api.patch(f"{STUDIES}{study.pk}/", {"notes": guess}) for guess in (SECRET, "x")]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(403, "not-shared")] * 2


def test_history__of_a_shared_row__has_none_of_it(api: Any, study: Study, alpha: Any, ana: Any) -> None:
    """Neither values nor names of fields that changed."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        row = Study.objects.get(pk=study.pk)
        row.notes = f"{SECRET} again"
        row.save()
    answer = api.get(f"{STUDIES}{study.pk}/history/")
    assert answer.status_code == 200
    newest = answer.json()["results"][0]
    assert newest["changed"] == []
    version = newest["version"]
    assert SECRET not in api.get(f"{STUDIES}{study.pk}/history/{version}/").content.decode()


def test_feed__of_changes__tells_nothing_of_shared_rows(api: Any, study: Study) -> None:
    """It is the feed of the namespace's own rows."""
    listed = api.get("/api/v1/changes/").json()["results"]
    assert str(study.pk) not in {entry["id"] for entry in listed}
