"""Arrays of changes, deletions and restorations, by id and by where."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from smartmodels.context import namespace_scope
from smartmodels.history import history_model
from tenant_apps.research.models import Specimen, Study
from tests.support.bulk import LENIENT, NOBODY, SPECIMENS, STUDIES, codes, faults, new_studies, statuses
from tests.support.clients import ApiClient


@pytest.fixture
def api(api_of: Callable[..., ApiClient], ana: Any, alpha: Any) -> ApiClient:
    return api_of(ana, alpha)


@pytest.fixture
def there(api: ApiClient) -> list[dict[str, Any]]:
    """C0, C1 and C2 of ana."""
    return list(api.post(STUDIES, new_studies(3)).json())


@pytest.fixture
def of_ben(api_of: Callable[..., ApiClient], ben: Any, alpha: Any) -> ApiClient:
    return api_of(ben, alpha)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def where(most: int | None = 10, **conditions: Any) -> str:
    """The address of the studies that meet the conditions."""
    said = f"{STUDIES}?where={quote(json.dumps(conditions))}"
    return said if most is None else f"{said}&max_affected={most}"


def test_patch__array__changes_each_row_in_its_own_way(api: ApiClient, there: list[Any]) -> None:
    """Fields that are not given stay."""
    sent = [{"id": there[0]["id"], "title": "A"}, {"id": there[1]["id"], "region": "B"}]
    shown = [(row["title"], row["region"]) for row in api.patch(STUDIES, sent).json()]
    assert shown == [("A", ""), ("", "B")]


def test_patch__same_values__leaves_no_version(api: ApiClient, alpha: Any, there: list[Any]) -> None:
    """Only what differs is written."""
    api.patch(STUDIES, [{"id": there[0]["id"], "title": "A"}, {"id": there[1]["id"], "code": "C1"}])
    with namespace_scope(alpha):
        changed = history_model(Study).objects.filter(history_type="~").values_list("code", flat=True)
        assert list(changed) == ["C0"]


def test_put__as_it_was_read__is_accepted(api: ApiClient, there: list[Any]) -> None:
    """What a list shows can be sent back."""
    assert api.put(STUDIES, there).json() == there


def test_put__required_field_left_out__is_told_by_index(api: ApiClient, there: list[Any]) -> None:
    """PUT asks for whole rows."""
    del there[1]["code"]
    assert faults(api.put(STUDIES, there)) == [(1, "/1/code", "required")]


def test_patch__unknown_malformed_missing_or_double_ids__are_told_by_index(
    api: ApiClient, there: list[Any]
) -> None:
    """Every one of them, and nothing is written."""
    first = there[0]["id"]
    sent = [{"id": NOBODY}, {"id": "x"}, {"id": 3}, {}, {"id": first}, {"id": first.upper()}]
    assert faults(api.patch(STUDIES, sent)) == [
        (0, "/0/id", "not-found"), (1, "/1/id", "invalid"), (2, "/2/id", "invalid"),
        (3, "/3/id", "required"), (5, "/5/id", "duplicate"),
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_write__rows_of_somebody_else__are_refused_by_index(
    api: ApiClient, of_ben: ApiClient, there: list[Any], method: str
) -> None:
    """As one by one: 403."""
    own = of_ben.post(STUDIES, {"code": "B"}).json()
    sent = [own["id"], there[0]["id"]] if method == "delete" else [{"id": own["id"]}, {"id": there[0]["id"]}]
    answer = getattr(of_ben, method)(STUDIES, sent)
    assert (answer.status_code, faults(answer)) == (403, [(1, "/1", "permission-denied")])


def test_patch__lenient__changes_what_may_be_changed(
    api: ApiClient, alpha: Any, of_ben: ApiClient, there: list[Any]
) -> None:
    """One status per row."""
    own = of_ben.post(STUDIES, {"code": "B"}).json()
    sent = [{"id": own["id"], "code": "D"}, {"id": there[0]["id"], "code": "E"}, {"id": NOBODY}]
    answer = of_ben.patch(STUDIES, sent, **LENIENT)
    assert (statuses(answer), codes(alpha)) == ([200, 403, 404], ["C0", "C1", "C2", "D"])


@pytest.mark.parametrize(
    ("given", "status"),
    [(["C1", "C2", "C9"], 409), (["C9", "C0", "C1"], 200), (["C1", "C0", "C2"], 409)],
    ids=["still taken", "handed on", "swapped"],
)
def test_patch__values_handed_on__goes_as_one_by_one(
    api: ApiClient, alpha: Any, there: list[Any], given: list[str], status: int
) -> None:
    """A value that an earlier row gives up is free for a later one, and not the other way about."""
    sent = [{"id": row["id"], "code": code} for row, code in zip(there, given, strict=True)]
    answer = api.patch(STUDIES, sent)
    expected = sorted(given) if status == 200 else ["C0", "C1", "C2"]
    assert (answer.status_code, codes(alpha)) == (status, expected)


def test_patch__1000_rows__takes_10_statements_at_most(api: ApiClient, alpha: Any) -> None:
    """Those that say who asks included."""
    study = api.post(STUDIES, new_studies(1)[0]).json()["id"]
    new = [{"study": study, "number": n, "individual": f"N{n}", "species": "Adelie"} for n in range(1000)]
    made = api.post(SPECIMENS, new).json()
    sent = [{"id": row["id"], "stage": f"S{row['number']}", "number": row["number"] + 5000} for row in made]
    with CaptureQueriesContext(connection) as queries:
        api.patch(SPECIMENS, sent)
    with namespace_scope(alpha):
        assert (len(queries) <= 10, history_model(Specimen).objects.count()) == (True, 2000)


# Delete and restore


def test_delete__array__is_soft(api: ApiClient, alpha: Any, there: list[Any]) -> None:
    """The rows are among the deleted."""
    assert api.delete(STUDIES, ids(there[:2])).status_code == 200
    with namespace_scope(alpha):
        assert Study.deleted_objects.count() == 2


def test_delete__unknown_id__deletes_nothing(api: ApiClient, alpha: Any, there: list[Any]) -> None:
    """All or none."""
    answer = api.delete(STUDIES, [there[0]["id"], NOBODY])
    assert (answer.status_code, codes(alpha)) == (404, ["C0", "C1", "C2"])


def test_restore__array__brings_them_back(api: ApiClient, alpha: Any, there: list[Any]) -> None:
    """With what their deletions took along."""
    api.delete(STUDIES, ids(there))
    shown = api.post(f"{STUDIES}restore/", ids(there)).json()
    assert ([row["deleted_at"] for row in shown], codes(alpha)) == ([None] * 3, ["C0", "C1", "C2"])


def test_restore__one_cannot_come_back__is_told_by_index(
    api: ApiClient, alpha: Any, there: list[Any]
) -> None:
    """A value that was taken meanwhile keeps all of them back, unless it is lenient."""
    api.delete(STUDIES, ids(there))
    api.post(STUDIES, new_studies(2)[1:])
    refused = api.post(f"{STUDIES}restore/", ids(there))
    lenient = api.post(f"{STUDIES}restore/", ids(there), **LENIENT)
    assert (faults(refused), statuses(lenient)) == ([(1, "/1", "restore-conflict")], [200, 409, 200])


# By where


def test_patch__where__changes_what_meets_it(api: ApiClient, there: list[Any]) -> None:
    """And says how many rows that were."""
    assert api.patch(where(island="Dream"), {"title": "T"}).json() == {"affected": 3}


def test_patch__where_that_nothing_meets__is_asked_for_its_values_all_the_same(api: ApiClient) -> None:
    """What is wrong with them does not depend on the rows that there are."""
    refused = api.patch(where(island="Nowhere"), {"sex": "x"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/sex")


def test_delete__where__deletes_what_meets_it(api: ApiClient, alpha: Any, there: list[Any]) -> None:
    """Softly."""
    api.delete(where(code="C1"))
    assert codes(alpha) == ["C0", "C2"]


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_write__more_rows_than_allowed__writes_nothing(
    api: ApiClient, alpha: Any, there: list[Any], method: str
) -> None:
    """max_affected protects from a condition that means more than was thought."""
    answer = getattr(api, method)(where(2, island="Dream"), {"code": "X"} if method == "patch" else None)
    assert (answer.status_code, codes(alpha)) == (409, ["C0", "C1", "C2"])


def test_write__max_affected_in_a_header__counts(api: ApiClient, there: list[Any]) -> None:
    """As in the query string."""
    answer = api.delete(where(None, island="Dream"), prefer="max-affected=2")
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "address",
    [
        STUDIES, f"{STUDIES}?max_affected=9", f"{STUDIES}?where={{}}&max_affected=9",
        f'{STUDIES}?where={{"and":[]}}&max_affected=9', f'{STUDIES}?where={{"code":{{}}}}&max_affected=9',
        f'{STUDIES}?where={{"not":{{"or":[]}}}}&max_affected=9',
        f'{STUDIES}?where={{"or":[{{}},{{"code":"C0"}}]}}&max_affected=9',
        f"{STUDIES}?where[nor]=&max_affected=9",
        f"{STUDIES}?where=[]&max_affected=9", f"{STUDIES}?where=x&max_affected=9", where(None, code="C0"),
        f'{STUDIES}?where={{"and":[{{}}]}}&max_affected=9', f'{STUDIES}?where={{"nor":[]}}&max_affected=9',
        f'{STUDIES}?where={{"or":[{{"code":"C0"}},{{}}]}}&max_affected=9',
        where(0, code="C0"), where(10, nonsense=1), where(10, deleted_in=1),
    ],
)  # fmt: skip
def test_write__where_missing_empty_or_unbounded__is_refused(
    api: ApiClient, alpha: Any, there: list[Any], address: str
) -> None:
    """Nobody changes everything by leaving something out."""
    answers = [api.patch(address, {"title": "T"}).status_code, api.delete(address).status_code]
    assert (answers, codes(alpha)) == ([400, 400], ["C0", "C1", "C2"])


def test_delete__where_meets_rows_of_others__is_refused(
    of_ben: ApiClient, alpha: Any, there: list[Any]
) -> None:
    """As one by one."""
    assert (of_ben.delete(where(island="Dream")).status_code, len(codes(alpha))) == (403, 3)
