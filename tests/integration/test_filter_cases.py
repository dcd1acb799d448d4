"""The shared cases of the LoopBack filter, asked over HTTP in both forms."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from smartmodels.context import Actor, namespace_scope, operation
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
