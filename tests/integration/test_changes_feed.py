"""The change feed: every version once, in order, to whoever may see the row."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from shared_apps.namespaces.models import Membership
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import Place
from smartmodels.history.ledger import ledger_model
from smartmodels.rest.changes.cursors import cursor_of
from tenant_apps.research.models import Study
from tests.support.feeds import CHANGES, events_of, read_all
from tests.zoo.models import Tag

STUDIES = "/api/v1/studies/"


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha."""
    return api_of(ana, alpha)


@pytest.fixture
def since(api: Any) -> str:
    """The cursor of this moment."""
    answer = api.get(CHANGES, since="now")
    assert (answer.status_code, answer.json()["results"]) == (200, [])
    return str(answer.json()["cursor"])


@pytest.fixture
def study(api: Any, since: str) -> Any:
    """A study that was made, titled and deleted."""
    made = api.post(STUDIES, {"code": "PAL0708", "island": "Dream"}).json()
    api.patch(f"{STUDIES}{made['id']}/", {"title": "Adelie"})
    api.delete(f"{STUDIES}{made['id']}/")
    return made


def brief(entries: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(entry["action"], entry["changed"]) for entry in entries]


# Pages


def test_changes__row_made_changed_deleted__are_told_in_order(api: Any, since: str, study: Any) -> None:
    """With the fields that differ."""
    found, _ = read_all(api, since)
    assert brief(found) == [("create", []), ("update", ["title"]), ("soft_delete", ["state", "owner"])]


def test_changes__entry__says_what_and_who(api: Any, since: str, study: Any, ana: Any) -> None:
    """The endpoint, the row, the version that is to be read there, and the actor."""
    entry = read_all(api, since)[0][1]
    version = api.get(f"{STUDIES}{study['id']}/history/{entry['version']}/").json()
    assert (entry["resource"], entry["id"], entry["operation"]) == (
        "studies",
        study["id"],
        version["operation"],
    )
    assert entry["actor"] == {"kind": "user", "label": ana.email, "user": str(ana.pk)}


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_changes__any_size_of_page__tells_everything_once(
    api: Any, since: str, study: Any, limit: int
) -> None:
    """Page by page."""
    found, end = read_all(api, since, limit=limit)
    assert [entry["action"] for entry in found] == ["create", "update", "soft_delete"]
    assert read_all(api, end) == ([], end)


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_changes__one_statement_wrote_many__is_told_in_parts(
    api: Any, alpha: Any, ana: Any, since: str, limit: int
) -> None:
    """No page is larger than was asked for."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made = Study.objects.bulk_create([Study(code=f"S{number}", title="x") for number in range(7)])
    assert len(api.get(CHANGES, since=since, limit=limit).json()["results"]) == limit
    found, _ = read_all(api, since, limit=limit)
    assert [entry["id"] for entry in found] == [str(each.pk) for each in made]


def test_changes__page_gets_larger_within_a_statement__goes_on(
    api: Any, alpha: Any, ana: Any, since: str
) -> None:
    """The cursor does not depend on the size of pages."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        for part in ("a", "b"):
            Study.objects.bulk_create([Study(code=f"{part}{number}", title="x") for number in range(4)])
    first = api.get(CHANGES, since=since, limit=3).json()
    rest, _ = read_all(api, first["cursor"], limit=50)
    assert len({entry["id"] for entry in first["results"] + rest}) == 8 == len(first["results"] + rest)


def test_changes__without_since__begin_with_the_first(api: Any, study: Any) -> None:
    """Everything that was ever written."""
    assert study["id"] in {entry["id"] for entry in read_all(api)[0]}


def test_changes__model_without_an_endpoint__is_not_told_of(
    api: Any, since: str, alpha: Any, ana: Any
) -> None:
    """Its versions count for nothing."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Tag.objects.create(label="striped")
    found, end = read_all(api, since)
    assert (found, end != since) == ([], True)


def test_changes__purged_row__is_told_to_be_gone(
    api: Any, since: str, study: Any, alpha: Any, ana: Any
) -> None:
    """Who keeps a copy learns of it."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Study.all_objects.filter(pk=study["id"])._raw_delete("default")
    assert read_all(api, since)[0][-1]["action"] == "purge"


# Cursors


@pytest.mark.parametrize("since", ["", "x", "WzEsIiIsbnVsbF0:abc", "a" * 400, "now:now"])
def test_changes__strange_cursor__is_refused(api: Any, since: str) -> None:
    """400, with the parameter named."""
    answer = api.get(CHANGES, since=since)
    fault = answer.json()["errors"][0]
    assert (answer.status_code, fault["code"], fault["parameter"]) == (400, "invalid-cursor", "since")


def test_changes__cursor_of_another_namespace__is_refused(
    api_of: Any, ben: Any, alpha: Any, beta: Any, since: str
) -> None:
    """Also for somebody who is a member of both."""
    assert api_of(ben, beta).get(CHANGES, since=since).status_code == 400


def test_changes__cursor_of_a_history_that_was_replaced__is_gone(api: Any, alpha: Any, study: Any) -> None:
    """As after a restore: 410, so that nothing is missed silently."""
    read_all(api)
    with namespace_scope(alpha):
        last = ledger_model("Segment").objects.exclude(position=None).order_by("-position").first()
    for place in (Place(last.position, b"12345678"), Place(last.position + 1, bytes(last.chain)[:8])):
        answer = api.get(CHANGES, since=cursor_of(place, alpha))
        assert (answer.status_code, answer.json()["code"]) == (410, "changes-gone")


# Who


def test_changes__of_another_namespace__are_not_seen(
    api_of: Any, ben: Any, alpha: Any, beta: Any, study: Any
) -> None:
    """Each namespace has its own."""
    assert study["id"] not in {entry["id"] for entry in read_all(api_of(ben, beta))[0]}


def test_changes__viewer__may_read_them(api_of: Any, vic: Any, alpha: Any, since: str, study: Any) -> None:
    """As the rows themselves."""
    assert len(read_all(api_of(vic, alpha), since)[0]) == 3


def test_changes__somebody_else__is_refused(api_of: Any, bea: Any, alpha: Any) -> None:
    """Members only."""
    assert api_of(bea, alpha).get(CHANGES).status_code in (401, 403)
    assert api_of(None, alpha).get(CHANGES).status_code in (401, 403)


def test_changes__any_number__takes_the_same_queries(api: Any, alpha: Any, ana: Any, since: str) -> None:
    """Nothing is asked row by row."""

    def count() -> int:
        with CaptureQueriesContext(connection) as sent:
            assert api.get(CHANGES, since=since).status_code == 200
        return len(sent)

    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        rows = [Study.objects.create(code="a", title="x")]
    read_all(api, since)
    few = count()
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        rows += [Study.objects.create(code=f"b{number}", title="x") for number in range(10)]
        for row in rows:
            row.title = "y"
            row.save()
    read_all(api, since)
    # Only what changed is compared, which takes one query.
    assert (count() - few, few <= 9) == (1, True)


# Streams


def test_stream__changes__are_events_with_cursors(
    api: Any, client: Any, ana: Any, since: str, study: Any
) -> None:
    """Each with the id to come back to, and the hint how soon."""
    chunks = iter(listen(api, since=since).streaming_content)
    said = next(chunks)
    events = events_of(said)
    assert said.startswith(b"retry: ")
    assert [event["data"]["action"] for event in events[:3]] == ["create", "update", "soft_delete"]
    again = next(iter(listen(api, last_event_id=events[0]["id"]).streaming_content))
    assert [event["data"]["action"] for event in events_of(again)[:2]] == ["update", "soft_delete"]


def test_stream__something_happens__is_told(api: Any, since: str) -> None:
    """While it is open."""
    chunks = iter(listen(api, since=since).streaming_content)
    api.post(STUDIES, {"code": "new"})
    assert events_of(next(chunks))[0]["data"]["action"] == "create"


@pytest.mark.parametrize("how", ["membership", "role", "suspended"])
def test_stream__no_longer_admitted__ends(api_of: Any, ben: Any, alpha: Any, since: str, how: str) -> None:
    """Before anything else is told."""
    chunks = iter(listen(api_of(ben, alpha), since=since).streaming_content)
    api_of(ben, alpha).post(STUDIES, {"code": "new"})
    rows = Membership.objects.filter(user=ben, namespace=alpha)
    if how == "membership":
        rows.delete()
    elif how == "role":
        rows.update(role="viewer")
    else:
        type(alpha).objects.filter(pk=alpha.pk).update(state="suspended")
    assert [events_of(chunk)[0]["event"] for chunk in chunks] == ["end"]


@override_settings(SMARTMODELS_JOB_STREAMS=0)
def test_stream__enough_are_open__asks_to_come_back(api: Any) -> None:
    """503, as for the progress of jobs."""
    assert listen(api).status_code == 503


def test_stream__strange_last_event_id__is_refused(api: Any) -> None:
    """400, with the header named."""
    answer = listen(api, last_event_id="x")
    fault = answer.json()["errors"][0]
    assert (answer.status_code, fault["code"], fault["header"]) == (400, "invalid-cursor", "Last-Event-ID")


def listen(api: Any, *, last_event_id: str = "", **query: Any) -> Any:
    headers = {"accept": "text/event-stream"}
    if last_event_id:
        headers["last-event-id"] = last_event_id
    return api._client.get(CHANGES, query, headers=headers)
