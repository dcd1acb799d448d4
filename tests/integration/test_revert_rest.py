"""Operations and marks over HTTP: who did what, and the way to undo it with the caller's rights."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Study
from tests.zoo.models import Tag

OPERATIONS, MARKS, STUDIES = "/api/v1/operations/", "/api/v1/marks/", "/api/v1/studies/"


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha."""
    return api_of(ana, alpha)


@pytest.fixture
def bens(api_of: Callable[..., Any], ben: Any, alpha: Any) -> Any:
    """Ben, member of alpha."""
    return api_of(ben, alpha)


@pytest.fixture
def change(api: Any) -> str:
    """The operation of ana's that gave a study a title."""
    made = api.post(STUDIES, {"code": "PAL0708", "title": "old"}).json()
    answer = api.patch(f"{STUDIES}{made['id']}/", {"title": "new"})
    return str(answer["X-Request-Id"])


def title(alpha: Any) -> str:
    with namespace_scope(alpha):
        return str(Study.objects.get(code="PAL0708").title)


def test_operations__changed__lists_newest_first(api: Any, change: str, ana: Any) -> None:
    """The request that changed a row is an operation."""
    newest = api.get(OPERATIONS).json()["results"][0]
    assert (newest["id"], newest["rows"], newest["actor"]["user"]) == (
        change, {"research.study": 1}, str(ana.pk),
    )  # fmt: skip


def test_operations__of_another_namespace__are_not_listed(
    api_of: Callable[..., Any], bea: Any, beta: Any, change: str
) -> None:
    """Each namespace has its own."""
    assert api_of(bea, beta).get(OPERATIONS).json()["results"] == []


def test_operations__of_another_user__can_be_left_out(api: Any, change: str, ben: Any) -> None:
    """Filtered by user."""
    assert api.get(OPERATIONS, user=str(ben.pk)).json()["results"] == []


def test_operations__model_without_endpoint__is_not_told(api: Any, alpha: Any, ana: Any) -> None:
    """What the API does not serve it does not tell of."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana), nested=False):
        Tag.objects.create(label="a")
    assert api.get(OPERATIONS).json()["results"] == []


def test_operations__second_page__goes_on(api: Any, change: str) -> None:
    """Pages neither overlap nor leave anything out."""
    first = api.get(OPERATIONS, limit=1).json()
    second = api.get(OPERATIONS, limit=1, offset=1).json()
    assert (first["next"] is None, second["next"]) == (False, None)
    assert first["results"][0]["id"] != second["results"][0]["id"]


@pytest.mark.parametrize(
    "query",
    [{"user": "x"}, {"since": "yesterday"}, {"until": "x"}, {"offset": "10001"}, {"limit": "0"}, {"x": "1"}],
)
def test_operations__malformed__is_refused(api: Any, query: dict[str, str]) -> None:
    """Bad input is 400."""
    assert api.get(OPERATIONS, **query).status_code == 400


def test_operations__many__take_one_query(api: Any, change: str) -> None:
    """Routing, token, membership, operations."""
    with CaptureQueriesContext(connection) as sent:
        api.get(OPERATIONS)
    assert len(sent) <= 4, [query["sql"] for query in sent]


def test_operation__id__shows_old_and_new(api: Any, change: str) -> None:
    """What it changed, row by row."""
    (row,) = api.get(f"{OPERATIONS}{change}/").json()["results"]
    assert (row["kind"], row["changes"]) == (
        "updated", [{"field": "title", "label": "title", "old": "old", "new": "new"}],
    )  # fmt: skip


@pytest.mark.parametrize("key", ["01900000-0000-7000-8000-000000000000", "x", "1"])
def test_operation__unknown__is_not_found(api: Any, key: str) -> None:
    """404, whatever the id looks like."""
    assert api.get(f"{OPERATIONS}{key}/").status_code == 404


def test_operation__of_another_namespace__is_not_found(
    api_of: Callable[..., Any], bea: Any, beta: Any, change: str
) -> None:
    """Ids say nothing elsewhere."""
    assert api_of(bea, beta).post(f"{OPERATIONS}{change}/revert/", {}).status_code == 404


def test_revert__operation__undoes_it(api: Any, alpha: Any, change: str) -> None:
    """The title is back."""
    answer = api.post(f"{OPERATIONS}{change}/revert/", {"reason": "typo"})
    assert (answer.status_code, answer.json()["total"], title(alpha)) == (200, 1, "old")


def test_revert__its_operation__can_be_undone(api: Any, alpha: Any, change: str) -> None:
    """The answer names it."""
    undone = api.post(f"{OPERATIONS}{change}/revert/", {}).json()["operation"]
    api.post(f"{OPERATIONS}{undone}/revert/", {})
    assert title(alpha) == "new"


def test_revert__dry_run__only_looks(api: Any, alpha: Any, change: str) -> None:
    """The plan, and nothing written."""
    answer = api.post(f"{OPERATIONS}{change}/revert/", {"dry_run": True}).json()
    assert (answer["applied"], answer["rows"][0]["changes"][0]["new"], title(alpha)) == (False, "old", "new")


def test_revert__row_of_somebody_else__conflicts(bens: Any, alpha: Any, change: str) -> None:
    """A member undoes only what they might change one by one."""
    answer = bens.post(f"{OPERATIONS}{change}/revert/", {})
    assert (answer.status_code, answer.json()["errors"][0]["code"], title(alpha)) == (
        409, "no-permission", "new",
    )  # fmt: skip


def test_revert__force__is_no_permission(bens: Any, alpha: Any, change: str) -> None:
    """Force writes over conflicts of time, not over rights."""
    answer = bens.post(f"{OPERATIONS}{change}/revert/", {"strategy": "force"})
    assert (answer.status_code, title(alpha)) == (409, "new")


def test_revert__skip__leaves_out_what_is_not_ones_own(bens: Any, alpha: Any, change: str) -> None:
    """The rest would be undone; here there is none."""
    answer = bens.post(f"{OPERATIONS}{change}/revert/", {"strategy": "skip"}).json()
    assert (answer["total"], len(answer["left"]), title(alpha)) == (0, 1, "new")


def test_revert__viewer__is_forbidden(api_of: Callable[..., Any], vic: Any, alpha: Any, change: str) -> None:
    """Viewers write nothing."""
    assert api_of(vic, alpha).post(f"{OPERATIONS}{change}/revert/", {}).status_code == 403


@pytest.mark.parametrize("body", [{"strategy": "hope"}, {"title": "x"}, {"dry_run": "perhaps"}, [], "x"])
def test_revert__malformed__is_refused(api: Any, change: str, body: Any) -> None:
    """Bad input is 400."""
    assert api.post(f"{OPERATIONS}{change}/revert/", body).status_code == 400


LONG_AGO = "2020-01-01T00:00:00Z"


def undo_work(api: Any, user: Any, **body: Any) -> Any:
    return api.post(f"/api/v1/users/{user.pk}/revert/?since={LONG_AGO}", body)


def test_revert_user__everything_since__undoes_it(api: Any, alpha: Any, ana: Any, change: str) -> None:
    """The study, made and changed since, is deleted again; nobody else's work is touched."""
    answer = undo_work(api, ana, reason="all wrong")
    with namespace_scope(alpha):
        left = Study.objects.filter(code="PAL0708").exists()
    assert (answer.status_code, answer.json()["total"], left) == (200, 1, False)


def test_revert_user__dry_run__writes_nothing(api: Any, alpha: Any, ana: Any, change: str) -> None:
    """It says what would be."""
    answer = undo_work(api, ana, dry_run=True).json()
    assert (answer["applied"], answer["total"], title(alpha)) == (False, 1, "new")


def test_revert_user__others_went_on__conflicts(api: Any, bens: Any, alpha: Any, ben: Any) -> None:
    """With what is in the way, row by row; nothing is written."""
    address = f"{STUDIES}{bens.post(STUDIES, {'code': 'B', 'title': 'old'}).json()['id']}/"
    api.patch(address, {"title": "newer"})
    answer = undo_work(api, ben)
    assert (answer.status_code, answer.json()["code"]) == (409, "revert-conflict")
    assert answer.json()["details"]
    assert api.get(address).json()["title"] == "newer"


def test_revert_user__between_two_times__leaves_what_is_later(
    api: Any, alpha: Any, ana: Any, change: str
) -> None:
    """A time that ended before is empty."""
    answer = api.post(f"/api/v1/users/{ana.pk}/revert/?since={LONG_AGO}&until=2020-01-02T00:00:00Z", {})
    assert (answer.json()["total"], title(alpha)) == (0, "new")


@pytest.mark.parametrize("who", ["ben", "vic"])
def test_revert_user__by_no_manager__is_forbidden(
    request: Any, api_of: Callable[..., Any], alpha: Any, ana: Any, change: str, who: str
) -> None:
    """Also of one's own work."""
    person = request.getfixturevalue(who)
    answers = {undo_work(api_of(person, alpha), user).status_code for user in (ana, person)}
    assert (answers, title(alpha)) == ({403}, "new")


def test_revert_user__in_another_namespace__touches_nothing_here(
    api_of: Callable[..., Any], bea: Any, beta: Any, alpha: Any, ana: Any, change: str
) -> None:
    """What ana did in alpha is not in reach from beta."""
    answer = undo_work(api_of(bea, beta), ana)
    assert (answer.status_code, title(alpha)) == (404, "new")


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", {}),
        ("?since=2020-01-02", {"since": LONG_AGO}),
        ("?since=then", {}),
        ("?since=2020-01-02T00:00:00Z&until=2020-01-01T00:00:00Z", {}),
        ("?since=9999-12-31T23:59:59-14:00", {}),
        ("?since=2020-01-01T00:00:00Z", {"strategy": "hope"}),
    ],
)
def test_revert_user__malformed__is_refused(api: Any, ana: Any, query: str, body: Any) -> None:
    """Bad input is 400."""
    assert api.post(f"/api/v1/users/{ana.pk}/revert/{query}", body).status_code == 400


@pytest.mark.parametrize("key", ["x", "ana", "-", "0" * 32 + "1"])
def test_revert_user__key_that_is_none__is_not_found(api: Any, key: str) -> None:
    """404, as for rows."""
    assert api.post(f"/api/v1/users/{key}/revert/?since={LONG_AGO}", {}).status_code == 404


def test_marks__made__is_listed(api: Any) -> None:
    """With its maker."""
    api.post(MARKS, {"name": "before import", "note": "of June"})
    (found,) = api.get(MARKS).json()["results"]
    assert (found["name"], found["note"], found["created_by_label"]) == (
        "before import", "of June", "ana@example.org",
    )  # fmt: skip


def test_marks__name_taken__conflicts(api: Any) -> None:
    """Names are unique."""
    api.post(MARKS, {"name": "here"})
    assert api.post(MARKS, {"name": "here"}).json()["code"] == "mark-exists"


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 201}, {"name": "a", "at": "2020-01-01"}])
def test_marks__malformed__is_refused(api: Any, body: Any) -> None:
    """Bad input is 400."""
    assert api.post(MARKS, body).status_code == 400


def test_marks__revert__brings_the_namespace_back(api: Any, alpha: Any, change: str) -> None:
    """What happened since is undone."""
    made = api.post(MARKS, {"name": "here"}).json()
    study = api.get(STUDIES).json()["results"][0]["id"]
    api.patch(f"{STUDIES}{study}/", {"title": "newer"})
    answer = api.post(f"{MARKS}{made['id']}/revert/", {})
    assert (answer.status_code, title(alpha)) == (200, "new")


@pytest.mark.parametrize("key", ["1", "0", "9" * 19])
def test_marks__unknown__is_not_found(api: Any, key: str) -> None:
    """404."""
    assert api.post(f"{MARKS}{key}/revert/", {}).status_code == 404


def test_marks__of_another_namespace__is_not_found(
    api: Any, api_of: Callable[..., Any], bea: Any, beta: Any
) -> None:
    """Numbers say nothing elsewhere."""
    made = api.post(MARKS, {"name": "here"}).json()
    assert api_of(bea, beta).get(f"{MARKS}{made['id']}/").status_code == 404


def test_marks__deleted_by_another_member__is_forbidden(api: Any, bens: Any) -> None:
    """Who made it, or an admin."""
    made = api.post(MARKS, {"name": "here"}).json()
    assert bens.delete(f"{MARKS}{made['id']}/").status_code == 403


def test_marks__deleted_by_its_maker__is_gone(bens: Any) -> None:
    """One's own can be forgotten."""
    made = bens.post(MARKS, {"name": "here"}).json()
    bens.delete(f"{MARKS}{made['id']}/")
    assert bens.get(MARKS).json()["results"] == []
