"""Lists and rows as they were."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Specimen, Study

STUDIES = "/api/v1/studies/"


@pytest.fixture
def history(committing: Any, alpha: Any, ana: Any) -> dict[str, str]:
    """Studies that were made, changed and deleted at known moments: each moment by its name."""
    moments = {"before": timezone.now()}

    def now(name: str) -> None:
        moments[name] = timezone.now()

    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        kept, gone = Study.objects.create(code="A"), Study.objects.create(code="B", island="Dream")
        now("made")
        kept.code = "A2"
        kept.save()
        now("changed")
        gone.delete()
        now("deleted")
        gone.undelete()
        gone.delete()
        gone.purge()
        Study.objects.create(code="C")
    return {name: moment.isoformat() for name, moment in moments.items()}


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any, history: Any) -> Any:
    return api_of(ana, alpha)


def codes(response: Any) -> list[str]:
    return [row["code"] for row in response.json()["results"]]


@pytest.mark.parametrize(
    ("moment", "found"),
    [("before", []), ("made", ["A", "B"]), ("changed", ["A2", "B"]), ("deleted", ["A2"])],
)
def test_list__as_of_a_moment__is_what_it_was_then(
    api: Any, history: Any, moment: str, found: list[str]
) -> None:
    """Rows deleted later are there, rows made later are not; what was purged is not shown any more."""
    expected = [code for code in found if code != "B"]
    assert codes(api.get(STUDIES, as_of=history[moment])) == expected


def test_list__as_of__shows_rows_that_are_deleted_now(api: Any, alpha: Any, ana: Any) -> None:
    """A row that lived then is shown as it was, with its values and its owner."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        row = Study.objects.create(code="D")
        then = timezone.now().isoformat()
        Study.objects.filter(pk=row.pk).update(code="D2")
        row.delete()
        later = timezone.now().isoformat()
    was = api.get(STUDIES, as_of=then, filter='{"where": {"code": "D"}}').json()["results"][0]
    assert (was["id"], was["owner"], was["deleted_at"], was["home"]) == (
        str(row.pk),
        str(ana.pk),
        None,
        "alpha",
    )
    assert codes(api.get(STUDIES, as_of=then, deleted="true")) == []
    assert "D2" in codes(api.get(STUDIES, as_of=later, deleted="true"))
    assert api.get(f"{STUDIES}{row.pk}/", as_of=then).json() == was
    assert api.get(f"{STUDIES}{row.pk}/", as_of=later).status_code == 404


def test_list__as_of__is_filtered_ordered_and_paged_as_then(api: Any, alpha: Any, ana: Any) -> None:
    """All of a list works on what was, cursors included."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Study.objects.bulk_create([Study(code=f"P{number}", island="Past") for number in range(5)])
        then = timezone.now().isoformat()
        Study.objects.filter(island="Past").update(island="Now")
    asked = {"as_of": then, "filter": '{"where": {"island": "Past"}, "order": "code DESC", "limit": 2}'}
    first = api.get(STUDIES, headers={"prefer": "count=exact"}, **asked)
    second = api.get(first.json()["next"])
    assert (first.json()["count"], codes(first), codes(second)) == (5, ["P4", "P3"], ["P2", "P1"])


def test_list__as_of__follows_references_of_then(api: Any, alpha: Any, ana: Any) -> None:
    """A child is found under the parent that it had."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        one, other = Study.objects.create(code="X"), Study.objects.create(code="Y")
        child = Specimen.objects.create(study=one, number=1, individual="N", species="S")
        then = timezone.now().isoformat()
        child.study = other
        child.save()
    asked = json.dumps({"where": {"study": str(one.pk)}})
    found = api.get("/api/v1/specimens/", as_of=then, filter=asked).json()["results"]
    assert [row["id"] for row in found] == [str(child.pk)]


@pytest.mark.parametrize(
    "given",
    ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z",
     "9999-12-31T23:59:59-14:00", "T", "1", "2026-01-01T25:00:00Z"],
)  # fmt: skip
def test_as_of__no_time_or_one_to_come__is_refused(api: Any, alpha: Any, given: str) -> None:
    """Nobody knows what will be, and no time is guessed."""
    for path in (STUDIES, f"{STUDIES}00000000-0000-7000-8000-000000000009/"):
        response = api.get(path, as_of=given)
        assert (response.status_code, response.json()["errors"][0]["parameter"]) == (400, "as_of")


@pytest.mark.parametrize("given", ["0001-01-01T00:00:00+14:00", "2020-01-01T00:00:00 00:00"])
def test_as_of__long_ago__is_empty(api: Any, given: str) -> None:
    """Before everything there was nothing; a plus sign that became a space is one."""
    assert codes(api.get(STUDIES, as_of=given)) == []


def test_as_of__in_private_mode__shows_ones_own(
    api_of: Callable[..., Any], ana: Any, ben: Any, alpha: Any, history: Any, settings: Any
) -> None:
    """Only what the caller may see, then as now."""
    settings.SMARTMODELS_OWNER_MODEL = "accounts.User"
    assert codes(api_of(ben, alpha).get(STUDIES, as_of=history["made"])) == []
    assert codes(api_of(ana, alpha).get(STUDIES, as_of=history["made"])) == ["A"]
