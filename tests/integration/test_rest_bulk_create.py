"""Arrays of new rows: all or none, every mistake at once, few statements."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from smartmodels.context import namespace_scope
from smartmodels.history import history_model
from tenant_apps.research.models import Specimen, Study
from tests.support.bulk import LENIENT, SPECIMENS, STUDIES, codes, count_of, faults, new_studies, statuses
from tests.support.clients import ApiClient


@pytest.fixture
def api(api_of: Callable[..., ApiClient], ana: Any, alpha: Any) -> ApiClient:
    return api_of(ana, alpha)


@pytest.fixture
def faulty() -> list[dict[str, Any]]:
    """Five rows, three of them with mistakes of every kind."""
    sent = new_studies(5)
    sent[1] = {"island": "Dream", "nonsense": 1}
    sent[3] = {"code": "x" * 21, "owner": "me"}
    sent[4]["code"] = "C0"
    return sent


def test_array__valid__answers_201_with_the_rows_in_order(api: ApiClient) -> None:
    """The answer is what the rows are, one by one."""
    answer = api.post(STUDIES, new_studies(3))
    assert (answer.status_code, [row["code"] for row in answer.json()]) == (201, ["C0", "C1", "C2"])


def test_array__with_mistakes__tells_all_of_them(api: ApiClient, faulty: list[Any]) -> None:
    """Each with the number of its row and a pointer; a value given twice is one of them."""
    assert faults(api.post(STUDIES, faulty)) == [
        (1, "/1/code", "required"), (1, "/1/nonsense", "unknown-field"),
        (3, "/3/code", "max-length"), (3, "/3/owner", "read-only-field"),
        (4, "/4/code", "unique"), (4, "/4/island", "unique"),
    ]  # fmt: skip


def test_array__with_mistakes__writes_nothing(api: ApiClient, alpha: Any, faulty: list[Any]) -> None:
    """All or none."""
    assert (api.post(STUDIES, faulty).status_code, codes(alpha)) == (400, [])


def test_array__one_row_with_two_mistakes__speaks_of_one_row(api: ApiClient) -> None:
    """Rows are counted, not their mistakes."""
    detail = api.post(STUDIES, [{"colour": 1}]).json()["detail"]
    assert detail == "Nothing was written. 1 row is refused: see `errors`."


def test_array__with_300_mistakes__tells_300(api: ApiClient) -> None:
    """The list of mistakes is as long as it is."""
    assert len(api.post(STUDIES, [{}] * 300).json()["errors"]) == 300


def test_array__only_values_taken__conflicts(api: ApiClient) -> None:
    """As for one row."""
    api.post(STUDIES, new_studies(2))
    assert api.post(STUDIES, new_studies(2)).status_code == 409


def test_array__lenient__says_for_each_row_what_became_of_it(api: ApiClient, faulty: list[Any]) -> None:
    """207, and the status that each would have had alone."""
    assert statuses(api.post(STUDIES, faulty, **LENIENT)) == [201, 400, 201, 400, 409]


def test_array__lenient__writes_what_is_in_order(api: ApiClient, alpha: Any, faulty: list[Any]) -> None:
    """The other rows are there."""
    api.post(STUDIES, faulty, **LENIENT)
    assert codes(alpha) == ["C0", "C2"]


def test_array__rehearsed__answers_as_if(api: ApiClient, alpha: Any) -> None:
    """Everything is done and taken back, and the answer says so."""
    answer = api.post(STUDIES, new_studies(2), prefer="tx=rollback")
    assert (answer.status_code, answer["Preference-Applied"], codes(alpha)) == (201, "tx=rollback", [])


def test_array__minimal_answer_preferred__is_answered_204(api: ApiClient, alpha: Any) -> None:
    """Nothing is sent back."""
    answer = api.post(STUDIES, new_studies(2), prefer="return=minimal")
    assert (answer.status_code, answer.content, codes(alpha)) == (204, b"", ["C0", "C1"])


def test_array__of_1001_rows__is_too_large(api: ApiClient) -> None:
    """413, and nothing is read."""
    assert api.post(STUDIES, [{}] * 1001).status_code == 413


@pytest.mark.parametrize("row", [None, 1, "x", [], [{}]])
def test_array__element_is_no_object__is_refused_by_index(api: ApiClient, row: Any) -> None:
    """Whatever else stands there."""
    assert faults(api.post(STUDIES, [*new_studies(1), row])) == [(1, "/1", "invalid")]


def test_array__by_a_viewer__is_refused(api_of: Callable[..., ApiClient], vic: Any, alpha: Any) -> None:
    """The role decides."""
    assert api_of(vic, alpha).post(STUDIES, new_studies(1)).status_code == 403


def test_array__reason_given__is_kept_with_every_version(api: ApiClient, alpha: Any) -> None:
    """As with one row."""
    api.post(STUDIES, new_studies(2), **{"x-reason": "season"})
    with namespace_scope(alpha):
        found = history_model(Study).objects.values_list("history_change_reason", flat=True)
        assert list(found) == ["season", "season"]


def test_array__parents_unknown__are_told_by_index(api: ApiClient) -> None:
    """Existence is asked for all rows together."""
    study = api.post(STUDIES, new_studies(1)[0]).json()["id"]
    row = {"number": 1, "individual": "N1", "species": "Adelie"}
    sent = [row | {"study": study}, row | {"study": study[:-4] + "0000"}, row | {"study": 7}]
    assert faults(api.post(SPECIMENS, sent)) == [
        (1, "/1/study", "does-not-exist"),
        (2, "/2/study", "incorrect-type"),
    ]


def test_array__of_1000_rows__takes_11_statements_at_most(api: ApiClient, alpha: Any) -> None:
    """Those that say who asks and what new rows inherit included; every row has a version."""
    study = api.post(STUDIES, new_studies(1)[0]).json()["id"]
    sent = [{"study": study, "number": n, "individual": f"N{n}", "species": "Adelie"} for n in range(1000)]
    with CaptureQueriesContext(connection) as queries:
        api.post(SPECIMENS, sent)
    with namespace_scope(alpha):
        assert (len(queries) <= 11, history_model(Specimen).objects.count()) == (True, 1000)


# Upsert


UPSERT = f"{STUDIES}?on_conflict=code,island"


@pytest.fixture
def there(api: ApiClient) -> list[dict[str, Any]]:
    """C0 and C1, with a region that nobody sends."""
    return list(api.post(STUDIES, new_studies(2, region="Anvers")).json())


def test_upsert__some_exist__changes_them_and_makes_the_others(
    api: ApiClient, alpha: Any, there: list[Any]
) -> None:
    """What is not given stays as it is."""
    answer = api.post(UPSERT, new_studies(3, title="New"))
    shown = [(row["title"], row["region"]) for row in answer.json()]
    assert (answer.status_code, shown) == (201, [("New", "Anvers"), ("New", "Anvers"), ("New", "")])


def test_upsert__nothing_new__answers_200(api: ApiClient, there: list[Any]) -> None:
    """201 is for what was made."""
    assert api.post(UPSERT, new_studies(2, title="New")).status_code == 200


def test_upsert__duplicates_ignored__leaves_them(api: ApiClient, there: list[Any]) -> None:
    """The rows that exist are answered as they are."""
    sent = new_studies(3, title="New")
    answer = api.post(UPSERT, [*sent, sent[2]], prefer="resolution=ignore-duplicates")
    assert [row["title"] for row in answer.json()] == ["", "", "New", "New"]


def test_upsert__row_of_somebody_else__is_refused_by_index(
    api_of: Callable[..., ApiClient], ben: Any, alpha: Any, there: list[Any]
) -> None:
    """Whoever could not change it alone cannot do so here."""
    answer = api_of(ben, alpha).post(UPSERT, new_studies(3, title="Mine"))
    assert (answer.status_code, {index for index, _, _ in faults(answer)}) == (403, {0, 1})


@pytest.mark.parametrize("fields", ["", "code", "title", "id", "owner", "code,island,title"])
def test_upsert__by_fields_that_are_not_unique__is_refused(api: ApiClient, fields: str) -> None:
    """Only what tells rows apart can."""
    assert api.post(f"{STUDIES}?on_conflict={fields}", new_studies(1)).status_code == 400


def test_upsert__of_one_object__is_refused(api: ApiClient, alpha: Any) -> None:
    """An array is needed."""
    assert (api.post(UPSERT, new_studies(1)[0]).status_code, count_of(alpha, Study)) == (400, 0)
