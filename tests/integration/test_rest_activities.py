"""Comments, favourites, likes and votes over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Study

ACTIVITIES = "/api/v1/activities/"
Api = Callable[..., Any]


@pytest.fixture
def api(api_of: Api, ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha."""
    return api_of(ana, alpha)


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of ana's in alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        return Study.objects.create(code="PAL0708")


def on(study: Any, kind: str, **more: Any) -> dict[str, Any]:
    return {"resource_type": "research.study", "resource_id": str(study.pk), "kind": kind, **more}


def summary(api: Any, study: Any) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/v1/studies/{study.pk}/activities/").json()
    return found


def test_comment__on_a_study__is_kept(api: Any, study: Study) -> None:
    """A comment is a new row each time."""
    assert [api.post(ACTIVITIES, on(study, "comment", text="Good")).status_code for _ in range(2)] == [
        201,
        201,
    ]


@pytest.mark.parametrize("kind", ["favourite", "like", "up_vote", "down_vote"])
def test_activity__repeated__is_the_one_there_is(api: Any, study: Study, kind: str) -> None:
    """The second time answers 200 with the first."""
    first, second = (api.post(ACTIVITIES, on(study, kind)) for _ in range(2))
    assert (first.status_code, second.status_code, first.json()) == (201, 200, second.json())


def test_vote__turned_round__replaces_the_other(api: Any, study: Study) -> None:
    """Nobody votes both ways."""
    for kind in ("up_vote", "down_vote"):
        api.post(ACTIVITIES, on(study, kind))
    assert summary(api, study)["own"] == ["down_vote"]


def test_vote__turned_round__is_in_its_history(api: Any, study: Study) -> None:
    """The vote that was is a version of the one that is."""
    api.post(ACTIVITIES, on(study, "up_vote"))
    vote = api.post(ACTIVITIES, on(study, "down_vote")).json()
    assert api.get(f"{ACTIVITIES}{vote['id']}/history/").json()["results"][0]["changed"] == ["kind"]


def test_like__after_it_was_deleted__is_a_new_one(api: Any, study: Study) -> None:
    """What was taken back can be given again."""
    first = api.post(ACTIVITIES, on(study, "like")).json()
    api.delete(f"{ACTIVITIES}{first['id']}/")
    assert api.post(ACTIVITIES, on(study, "like")).status_code == 201


def test_summary__of_two_people__counts_both(
    api: Any, api_of: Api, ben: Any, alpha: Any, study: Study
) -> None:
    """Counts are everybody's, `own` is one's own."""
    api.post(ACTIVITIES, on(study, "like"))
    api_of(ben, alpha).post(ACTIVITIES, on(study, "like"))
    api_of(ben, alpha).post(ACTIVITIES, on(study, "comment", text="Good"))
    assert summary(api, study) == {
        "counts": {"comment": 1, "favourite": 0, "like": 2, "up_vote": 0, "down_vote": 0},
        "own": ["like"],
    }


def test_summary__of_nothing__is_zero(api: Any, study: Study) -> None:
    """A resource that nobody did anything with has a summary, too."""
    assert set(summary(api, study)["counts"].values()) == {0}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "wave"}, "/kind"),
        ({"kind": None}, "/kind"),
        ({"kind": []}, "/kind"),
        ({"text": ""}, "/text"),
        ({"text": "   "}, "/text"),
        ({"kind": "like", "text": "Good"}, "/text"),
        ({"resource_type": "research.nothing"}, "/resource_type"),
        ({"resource_type": "accounts.user"}, "/resource_type"),
        ({"resource_type": "activities.activity"}, "/resource_type"),
        ({"resource_type": "research.historicalstudy"}, "/resource_type"),
        ({"resource_type": "research"}, "/resource_type"),
        ({"resource_type": 7}, "/resource_type"),
        ({"resource_type": None}, "/resource_type"),
        ({"resource_id": "x"}, "/resource_id"),
        ({"resource_id": "00000000-0000-7000-8000-00000000ffff"}, "/resource_id"),
        ({"created_by": "00000000-0000-7000-8000-000000000001"}, "/created_by"),
    ],
)
def test_activity__malformed__points_at_the_fault(
    api: Any, study: Study, change: dict[str, Any], pointer: str
) -> None:
    """Each refusal says which field."""
    answer = api.post(ACTIVITIES, {**on(study, "comment", text="Good"), **change})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_activity__on_a_row_of_another_namespace__is_refused(
    api: Any, beta: Any, bea: Any, study: Study
) -> None:
    """What is not visible here does not exist here."""
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        other = Study.objects.create(code="B")
    assert api.post(ACTIVITIES, on(other, "like")).json()["errors"][0]["pointer"] == "/resource_id"


def test_activity__on_a_deleted_row__is_refused(api: Any, study: Study) -> None:
    """There is nothing to do with what is deleted."""
    api.delete(f"/api/v1/studies/{study.pk}/")
    assert api.post(ACTIVITIES, on(study, "like")).status_code == 400


def test_activity__by_a_viewer__is_forbidden(api_of: Api, vic: Any, alpha: Any, study: Study) -> None:
    """A viewer reads."""
    assert api_of(vic, alpha).post(ACTIVITIES, on(study, "like")).status_code == 403


def test_comment__edited__changes_its_text(api: Any, study: Study) -> None:
    """The text is its author's to change."""
    made = api.post(ACTIVITIES, on(study, "comment", text="Good")).json()
    assert api.patch(f"{ACTIVITIES}{made['id']}/", {"text": "Better"}).json()["text"] == "Better"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("comment", {"kind": "like"}),
        ("comment", {"text": ""}),
        ("comment", {"resource_id": "00000000-0000-7000-8000-00000000ffff"}),
        ("comment", {"resource_type": "research.specimen"}),
        ("like", {"text": "Good"}),
        ("up_vote", {"kind": "down_vote"}),
    ],
)
def test_activity__edited_into_another__is_refused(
    api: Any, study: Study, kind: str, change: dict[str, Any]
) -> None:
    """What it is and what it is about stay."""
    more = {"text": "Good"} if kind == "comment" else {}
    made = api.post(ACTIVITIES, on(study, kind, **more)).json()
    assert api.patch(f"{ACTIVITIES}{made['id']}/", change).status_code == 400


def test_list__by_resource__shows_what_is_about_it(api: Any, study: Study, alpha: Any, ana: Any) -> None:
    """Activities are found by type and key of the resource."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        other = Study.objects.create(code="B")
    for each in (study, other):
        api.post(ACTIVITIES, on(each, "like"))
    found = api.search(ACTIVITIES, where={"resource_type": "research.study", "resource_id": other.pk}).json()[
        "results"
    ]
    assert [row["resource_id"] for row in found] == [str(other.pk)]
