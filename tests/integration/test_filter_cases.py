"""The shared cases of the LoopBack filter, asked over HTTP in both forms."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from smartmodels.context import Actor, namespace_scope, operation
from tests.shop.models import Item
from tests.support.shop import PATHS, Inexpressible, as_brackets, as_json, load, read

FORMS = {"json": as_json, "brackets": as_brackets}
# In brackets all values are texts, and one value is a list of one: what is refused here cannot be said there.
ONLY_JSON = {"lb488", "lb489", "lb500", "lb501", "lb535", "lb536", "lb541", "lb544"}


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana in alpha, whose shop holds the dataset."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        load()
    return api_of(ana, alpha)


def key_of(alpha: Any, number: int) -> Any:
    """The key of an item, which stands in its address."""
    with namespace_scope(alpha):
        return Item.objects.get(number=number).pk


def in_full_seconds(row: Any) -> Any:
    """The row with times as the dataset writes them."""
    if isinstance(row, list):
        return [in_full_seconds(each) for each in row]
    if isinstance(row, dict):
        return {name: in_full_seconds(value) for name, value in row.items()}
    if isinstance(row, str) and row.endswith("Z") and row[19:20] in (".", "Z"):
        return row[:19] + "." + row[20:-1].ljust(6, "0")[:3] + "Z"
    return row


def problem(answer: Any) -> dict[str, Any]:
    """Status, code and pointer of a refusal."""
    body = answer.json()
    return {
        "status": answer.status_code,
        "code": body["code"],
        "pointer": body["errors"][0].get("pointer", ""),
    }


def found(answer: Any, *, whole: bool) -> Any:
    if answer.status_code != 200:
        return problem(answer)
    body = answer.json()
    if "count" in body and "results" not in body:
        return {"count": body["count"]}
    rows = in_full_seconds(body["results"])
    return {"rows": rows} if whole else {"ids": [row["id"] for row in rows]}


def expected(case: Any) -> Any:
    given = case["expected"]
    if "error" in given:
        return {name: given["error"][name] for name in ("status", "code", "pointer")}
    return {"rows": given["rows"]} if "rows" in given else given


def differs(answer: Any, case: Any) -> Any:
    """What was answered, if it is not what is expected."""
    wanted = expected(case)
    got = found(answer, whole="rows" in wanted)
    if not case.get("ordered") and "ids" in wanted and "ids" in got:
        wanted, got = ({"ids": sorted(each["ids"])} for each in (wanted, got))
    if wanted == {"status": 400, "code": "malformed-json", "pointer": ""}:
        got = {**got, "pointer": ""}
    return None if got == wanted else {"wanted": wanted, "got": got}


def query_of(case: Any, form: str) -> tuple[str, str]:
    path = PATHS[case["model"]]
    if form == "brackets" and case["id"] in ONLY_JSON:
        raise Inexpressible(case["id"])
    if "count_where" in case:
        return f"{path}count/", FORMS[form](case["count_where"], "where")
    return path, FORMS[form](case["filter"])


@pytest.mark.parametrize("form", FORMS)
def test_case__in_each_form__is_answered_as_decided(api: Any, form: str) -> None:
    """Every case, with what was answered instead."""
    wrong = {}
    for case in read("cases"):
        try:
            path, query = query_of(case, form)
        except Inexpressible:
            continue
        difference = differs(api.get(f"{path}?{query}"), case)
        if difference:
            wrong[case["id"]] = (case.get("filter", case.get("count_where")), difference)
    assert not wrong, "\n".join(f"{name}: {json.dumps(each)[:600]}" for name, each in wrong.items())


@pytest.mark.parametrize("form", FORMS)
def test_further_case__in_each_form__is_answered_as_in_javascript(api: Any, form: str) -> None:
    """Random filters with the answers of another evaluator of the rules, in JavaScript."""
    wrong = {}
    for case in read("further"):
        try:
            path, query = query_of(case, form)
        except Inexpressible:
            continue
        if difference := differs(api.get(f"{path}?{query}"), case):
            wrong[case["id"]] = (case.get("filter", case.get("count_where")), difference)
    assert not wrong, "\n".join(f"{name}: {json.dumps(each)[:600]}" for name, each in wrong.items())


def ours(case: Any) -> dict[str, Any]:
    """What an HTTP case expects, in the form of :func:`http_answer`."""
    given = case["ours"]
    if given["status"] != 200:
        return {name: given[name] for name in ("status", "code", "pointer")}
    return {name: given[name] for name in ("ids", "keys", "count") if name in given}


def http_answer(answer: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    if answer.status_code != 200:
        return problem(answer)
    body = answer.json()
    if "count" in wanted:
        return {"count": body["count"]}
    rows = body["results"]
    # A row without its id is known by its place: these are the first of all.
    got: dict[str, Any] = {"ids": [row.get("id", number) for number, row in enumerate(rows, 1)]}
    return {**got, "keys": sorted(rows[0])} if "keys" in wanted else got


def test_http_case__as_it_was_sent__is_answered_as_decided(api: Any) -> None:
    """Every raw query string, with what was answered instead."""
    wrong = {}
    for case in read("http_cases"):
        if case["ours"] is None:
            continue
        wanted = ours(case)
        path = case["path"].removeprefix("/")
        got = http_answer(api.get(f"/api/v1/{path}/?{case['query']}"), wanted)
        if got != {**wanted, **({"keys": sorted(wanted["keys"])} if "keys" in wanted else {})}:
            wrong[case["query"]] = {"wanted": wanted, "got": got}
    assert not wrong, "\n".join(f"{query}: {json.dumps(each)[:600]}" for query, each in wrong.items())


def test_find__same_filter_in_the_body__answers_the_same(api: Any) -> None:
    """A filter that is too long for an address goes into the body."""
    given = {"where": {"owner.name": "Alice"}, "fields": ["id"], "order": "id DESC", "limit": 3}
    found = api.post("/api/v1/items/find/", given).json()
    assert (
        found["results"]
        == api.search("/api/v1/items/", **given).json()["results"]
        == [
            {"id": 63},
            {"id": 61},
            {"id": 60},
        ]
    )


def test_find__by_a_viewer__is_a_read(api: Any, api_of: Callable[..., Any], vic: Any, alpha: Any) -> None:
    """Whoever may list may search, whatever the method."""
    found = api_of(vic, alpha).post("/api/v1/items/find/", {"limit": 1})
    assert (found.status_code, len(found.json()["results"])) == (200, 1)


def test_find_one__filter__reads_the_first_row(api: Any) -> None:
    """The first of the rows that the filter selects."""
    found = api.get("/api/v1/items/findOne/", filter='{"where": {"active": true}, "order": "id DESC"}')
    assert found.json()["id"] == 64


def test_find_one__nothing_matches__is_not_found(api: Any) -> None:
    """No row is 404."""
    assert api.get("/api/v1/items/findOne/", filter='{"where": {"id": 999}}').status_code == 404


def test_detail__fields_and_include__shape_the_row(api: Any, alpha: Any) -> None:
    """One row is shown with what is asked for."""
    key = key_of(alpha, 1)
    found = api.get(f"/api/v1/items/{key}/", filter='{"fields": ["id"], "include": ["owner"]}').json()
    assert (found["id"], found["owner"]["name"], sorted(found)) == (1, "Alice", ["id", "owner"])


def test_detail__where__is_refused(api: Any, alpha: Any) -> None:
    """The address says which row it is."""
    answer = api.get(f"/api/v1/items/{key_of(alpha, 1)}/", filter='{"where": {"id": 2}}')
    assert problem(answer) == {"status": 400, "code": "invalid-filter", "pointer": "/where"}


def test_pages__followed_by_next__show_every_row_once(api: Any) -> None:
    """Links keep the filter, whichever form it came in."""
    found, page = [], api.get("/api/v1/items/?filter[limit]=7&filter[order]=rating DESC").json()
    while True:
        found += [row["id"] for row in page["results"]]
        if page["next"] is None:
            break
        page = api.get(page["next"]).json()
    ratings = {row["id"]: row["rating"] for row in read("dataset")["items"]}
    assert found == sorted(ratings, key=lambda number: (-ratings[number], number))
