"""Jobs over HTTP: who sees which, how they are followed, and provisioning by the queue."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from shared_apps.namespaces.models import Namespace
from shared_apps.operations.models import Job
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.jobs import JobState, run_waiting
from tests.zoo import tasks

JOBS, NAMESPACES = "/api/v1/jobs/", "/api/v1/namespaces/"


@pytest.fixture
def api(api_of: Callable[..., Any], staff: Any) -> Any:
    """Staff on the public host."""
    return api_of(staff, None)


def wanted_by(user: Any, namespace: Any, job: Any = tasks.label, **arguments: Any) -> Job:
    """Queue a job in a namespace for somebody."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        record: Job = job.enqueue(**(arguments or {"text": "x"}))
    return record


def ids(answer: Any) -> list[int]:
    """The jobs of a list."""
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()["results"]]


# Who sees what


def test_list__staff__sees_all_of_them(api: Any, alpha: Any, beta: Any, ana: Any, bea: Any) -> None:
    """Newest first."""
    first, second = wanted_by(ana, alpha), wanted_by(bea, beta)
    assert ids(api.get(JOBS)) == [second.pk, first.pk]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"namespace": "beta"}, [1]),
        ({"state": "cancelled"}, []),
        ({"state": "queued", "name": "zoo.label"}, [1, 0]),
        ({"name": "zoo.fail"}, []),
    ],
)
def test_list__filtered__shows_what_was_asked_for(
    api: Any, alpha: Any, beta: Any, ana: Any, bea: Any, query: dict[str, str], expected: list[int]
) -> None:
    """By state, namespace and name."""
    made = [wanted_by(ana, alpha).pk, wanted_by(bea, beta).pk]
    assert ids(api.get(JOBS, **query)) == [made[number] for number in expected]


def test_list__state_that_is_none__is_refused(api: Any) -> None:
    """With the parameter named."""
    answer = api.get(JOBS, state="sleeping")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "state")


def test_list__any_number__takes_the_same_queries(api: Any, alpha: Any, beta: Any, ana: Any) -> None:
    """One count, one page with its namespaces."""

    def count() -> int:
        with CaptureQueriesContext(connection) as sent:
            assert api.get(JOBS).status_code == 200
        return len(sent)

    wanted_by(ana, alpha)
    few = count()
    for number in range(20):
        wanted_by(ana, (alpha, beta)[number % 2])
    assert count() == few <= 6


def test_list__nobody__is_refused(api_of: Any, ben: Any, rows: None) -> None:
    """On the public host jobs are for staff."""
    assert api_of(None, None).get(JOBS).status_code == 401
    assert api_of(ben, None).get(JOBS).status_code == 403


def test_list__member__sees_their_own(api_of: Any, alpha: Any, ana: Any, ben: Any) -> None:
    """Not those of others in the namespace."""
    wanted_by(ana, alpha)
    own = wanted_by(ben, alpha)
    assert ids(api_of(ben, alpha).get(JOBS)) == [own.pk]


def test_list__owner__sees_the_namespaces(api_of: Any, alpha: Any, beta: Any, ana: Any, ben: Any) -> None:
    """All of them, and none of another namespace."""
    made = [wanted_by(ben, alpha).pk, wanted_by(ana, alpha).pk]
    wanted_by(ben, beta)
    assert ids(api_of(ana, alpha).get(JOBS)) == made[::-1]


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("get", "events/"), ("post", "cancel/"), ("post", "retry/")],
)
def test_job__of_another_namespace__is_not_there(
    api_of: Any, alpha: Any, beta: Any, ben: Any, method: str, path: str
) -> None:
    """Also for the person who wanted it, who is a member of both."""
    record = wanted_by(ben, beta)
    answer = getattr(api_of(ben, alpha), method)(f"{JOBS}{record.pk}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "job-unknown")


def test_job__of_somebody_else__is_not_there(api_of: Any, alpha: Any, ana: Any, ben: Any) -> None:
    """For a member who does not manage the namespace."""
    assert api_of(ben, alpha).get(f"{JOBS}{wanted_by(ana, alpha).pk}/").status_code == 404


@pytest.mark.parametrize("number", ["9" * 19, "0"])
def test_job__number_that_is_none__is_not_there(api: Any, number: str) -> None:
    """However large."""
    assert api.get(f"{JOBS}{number}/").status_code == 404


# What is shown and done


def test_job__that_failed__says_why(api: Any, alpha: Any, ana: Any) -> None:
    """Kind and sentence, progress and person."""
    record = wanted_by(ana, alpha, tasks.fail, message="no luck")
    run_waiting()
    shown = api.get(f"{JOBS}{record.pk}/").json()
    assert (shown["state"], shown["error"]) == ("failed", {"code": "Upset", "message": "no luck"})
    assert (shown["namespace"], shown["actor"]) == ("alpha", "ana@example.org")
    assert "no luck" not in json.dumps({**shown, "error": None})


def test_cancel__waiting_job__is_cancelled(api_of: Any, alpha: Any, ben: Any) -> None:
    """By the member who wanted it."""
    record = wanted_by(ben, alpha)
    answer = api_of(ben, alpha).post(f"{JOBS}{record.pk}/cancel/")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")


def test_cancel__twice__is_a_conflict(api: Any, alpha: Any, ana: Any) -> None:
    """It is over already."""
    path = f"{JOBS}{wanted_by(ana, alpha).pk}/cancel/"
    api.post(path)
    assert (api.post(path).status_code, api.post(path).json()["code"]) == (409, "job-over")


def test_retry__failed_job__waits_again(api: Any, alpha: Any, ana: Any) -> None:
    """Staff tries it once more."""
    record = wanted_by(ana, alpha, tasks.fail, message="x")
    run_waiting()
    assert api.post(f"{JOBS}{record.pk}/retry/").json()["state"] == "queued"


# Server-sent events


def events(answer: Any) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream that has ended: names and data."""
    text = b"".join(answer.streaming_content).decode()
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_events__finished_job__ends_with_how_it_ended(api: Any, alpha: Any, ana: Any) -> None:
    """One event, and the stream is over."""
    record = wanted_by(ana, alpha)
    run_waiting()
    answer = api.get(f"{JOBS}{record.pk}/events/")
    assert answer["Content-Type"] == "text/event-stream"
    assert [(name, data["state"]) for name, data in events(answer)] == [("end", "succeeded")]


def test_events__job_that_goes_on__tells_every_change(api: Any, alpha: Any, ana: Any) -> None:
    """What was, what is new, and the end."""
    record = wanted_by(ana, alpha)
    chunks = iter(api.get(f"{JOBS}{record.pk}/events/").streaming_content)
    first = next(chunks).decode()
    Job.objects.filter(pk=record.pk).update(done=1, total=2, message="half", state=JobState.RUNNING)
    second = next(chunks).decode()
    Job.objects.filter(pk=record.pk).update(state=JobState.SUCCEEDED)
    last = next(chunks).decode()
    assert first.startswith("retry: ")
    assert ('"message": "half"' in second, last.startswith("event: end")) == (True, True)
    assert list(chunks) == []


@override_settings(SMARTMODELS_JOB_STREAM_SECONDS=0.6)
def test_events__nothing_happens__stream_ends_in_time(api: Any, alpha: Any, ana: Any) -> None:
    """So that no thread is taken for ever; the browser opens it again."""
    answer = api.get(f"{JOBS}{wanted_by(ana, alpha).pk}/events/")
    assert [name for name, _ in events(answer)] == ["progress"]


def hang_up(answer: Any) -> None:
    """Close the stream as a server does when its client is gone, but keep the test's connection."""
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)


@override_settings(SMARTMODELS_JOB_STREAMS=1)
def test_events__enough_are_watching__asks_to_come_back(api: Any, alpha: Any, ana: Any) -> None:
    """And a stream that was closed, read or not, makes room."""
    path = f"{JOBS}{wanted_by(ana, alpha).pk}/events/"
    first = api.get(path)
    refused = api.get(path)
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    hang_up(first)
    again = api.get(path)
    assert again.status_code == 200
    hang_up(again)


def test_events__browser__is_admitted(client_of: Any, staff: Any, alpha: Any, ana: Any) -> None:
    """EventSource accepts nothing but events."""
    answer = client_of(staff, None).get(
        f"{JOBS}{wanted_by(ana, alpha).pk}/events/", headers={"accept": "text/event-stream"}
    )
    assert answer.status_code == 200
    hang_up(answer)


# Provisioning


def test_create_namespace__by_default__is_accepted(api: Any) -> None:
    """The slug is taken; the job is named, and made as staff."""
    answer = api.post(NAMESPACES, {"slug": "gamma", "owner": "new@example.org"})
    made = answer.json()
    assert (answer.status_code, made["state"], answer["Preference-Applied"]) == (
        202, "reserved", "respond-async",
    )  # fmt: skip
    assert answer["Location"] == made["job"]["url"]
    assert made["owner"]["initial_password"]
    shown = api.get(made["job"]["url"]).json()
    assert (shown["name"], shown["actor"]) == ("namespaces.provision", "staff@example.org")


def test_create_namespace__accepted__is_served_when_the_job_is_done(api: Any, client_of: Any) -> None:
    """A worker does the rest."""
    api.post(NAMESPACES, {"slug": "gamma", "owner": "ana@example.org"})
    assert [record.state for record in run_waiting()] == [JobState.SUCCEEDED]
    assert Namespace.objects.get(slug="gamma").is_active


def test_create_namespace__slug_taken__is_a_conflict_at_once(api: Any) -> None:
    """Nothing is queued for it."""
    answer = api.post(NAMESPACES, {"slug": "alpha", "owner": "ana@example.org"})
    assert (answer.status_code, Job.objects.exists()) == (409, False)


@pytest.mark.parametrize(
    ("prefer", "status"),
    [("wait", 201), ("wait=30", 201), ("respond-async, wait=5", 202), ("return=minimal", 202)],
)
def test_create_namespace__preference__is_followed(
    client_of: Any, staff: Any, prefer: str, status: int
) -> None:
    """As RFC 7240 says."""
    answer = client_of(staff, None).post(
        NAMESPACES,
        {"slug": "gamma", "owner": "ana@example.org"},
        content_type="application/json",
        headers={"prefer": prefer},
    )
    assert answer.status_code == status


# The staff site


def test_staff_page__jobs__lists_and_shows_them(client_of: Any, staff: Any, alpha: Any, ana: Any) -> None:
    """With its progress, which a script keeps fresh."""
    record = wanted_by(ana, alpha)
    browser = client_of(staff, None)
    assert b"zoo.label" in browser.get("/admin/operations/job/").content
    page = browser.get(f"/admin/operations/job/{record.pk}/change/").content.decode()
    assert f'data-events="{JOBS}{record.pk}/events/"' in page
    assert "<script>" not in page


@pytest.mark.parametrize(("action", "state"), [("cancel_jobs", "cancelled"), ("retry_jobs", "queued")])
def test_staff_page__action__changes_the_jobs(
    client_of: Any, staff: Any, alpha: Any, ana: Any, action: str, state: str
) -> None:
    """Those that cannot be changed are named."""
    record = wanted_by(ana, alpha)
    chosen = {"action": action, "_selected_action": [str(record.pk)]}
    client_of(staff, None).post("/admin/operations/job/", chosen)
    assert Job.objects.get(pk=record.pk).state == state


def test_staff_page__jobs__takes_few_queries(client_of: Any, staff: Any, alpha: Any, ana: Any) -> None:
    """However many there are."""
    browser = client_of(staff, None)

    def count() -> int:
        with CaptureQueriesContext(connection) as sent:
            assert browser.get("/admin/operations/job/").status_code == 200
        return len(sent)

    wanted_by(ana, alpha)
    few = count()
    for _ in range(10):
        wanted_by(ana, alpha)
    assert count() <= few <= 12


@pytest.mark.parametrize(("alive", "state"), [(True, "reserved"), (False, "active")])
def test_staff_page__new_namespace__is_left_to_a_worker_if_there_is_one(
    client_of: Any, staff: Any, alive: bool, state: str
) -> None:
    """Nobody waits for one that is not there."""
    if alive:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    page = client_of(staff, None).post(
        "/admin/namespaces/namespace/add/", {"slug": "gamma", "name": "", "owner": "ana@example.org"}
    )
    assert (page.status_code, Namespace.objects.get(slug="gamma").state) == (200, state)
    assert (b"data-events" in page.content) is alive
