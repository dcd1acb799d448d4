"""Jobs get into the queue with the transaction that wants them, and carry who wants them where."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from shared_apps.namespaces.models import Namespace
from shared_apps.operations.models import Job
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import InvalidInput
from smartmodels.jobs import JobNotRetriable, JobOver, JobState, cancel, job, prune_jobs, retry, run_waiting
from smartmodels.jobs.envelope import Envelope
from smartmodels.tenancy.models import State
from tests.zoo import tasks
from tests.zoo.models import Tag


def set_state(namespace: Any, state: str) -> None:
    """Put the namespace into a state, as whatever service does it."""
    Namespace.objects.filter(pk=namespace.pk).update(state=state)


# Enqueueing


def test_enqueue__rolled_back__leaves_no_job(in_alpha: Any) -> None:
    """A job is wanted only if what it follows from happens."""
    with transaction.atomic():
        tasks.label.enqueue(text="a")
        transaction.set_rollback(True)
    assert not Job.objects.exists()


def test_enqueue__in_a_namespace__says_who_and_where(in_alpha: Any, ana: Any) -> None:
    """The record names the person and the namespace."""
    record = tasks.label.enqueue(text="a")
    assert (record.actor, record.user_id, record.namespace) == (ana.email, ana.pk, in_alpha)
    assert record.state == JobState.QUEUED


def test_enqueue__sends__one_statement_and_one_read(in_alpha: Any) -> None:
    """A request that queues a job waits for two statements."""
    with CaptureQueriesContext(
        connection,
    ) as sent:
        tasks.label.enqueue(text="a")
    assert len(sent) == 2


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}, "nul \x00"])
def test_enqueue__arguments_that_are_no_json__are_refused(in_alpha: Any, value: Any) -> None:
    """Before anything is stored."""
    with pytest.raises(InvalidInput):
        tasks.label.enqueue(text=value)


def test_enqueue__key_that_waits__returns_the_waiting_job(in_alpha: Any) -> None:
    """Asking twice is asking once."""
    first, second = (tasks.label.enqueue(key="k", text=text) for text in "ab")
    assert first.pk == second.pk


def test_enqueue__key_in_another_namespace__is_another_job(alpha: Any, beta: Any) -> None:
    """Keys of tenants never meet."""
    numbers = set()
    for namespace in (alpha, beta):
        with namespace_scope(namespace), operation():
            numbers.add(tasks.label.enqueue(key="k", text="a").pk)
    assert len(numbers) == 2


def test_enqueue__key_of_a_finished_job__is_a_new_job(in_alpha: Any) -> None:
    """What was done can be wanted again."""
    first = tasks.label.enqueue(key="k", text="a")
    run_waiting()
    assert tasks.label.enqueue(key="k", text="b").pk != first.pk


def test_enqueue__many_of_one_namespace__come_after_the_first_of_others(alpha: Any, beta: Any) -> None:
    """Who queues a lot starves nobody."""
    with namespace_scope(alpha), operation():
        many = [tasks.label.enqueue(text=str(number)) for number in range(5)]
    with namespace_scope(beta), operation():
        one = tasks.label.enqueue(text="b")
    order = [record.pk for record in run_waiting()]
    assert order == [many[0].pk, one.pk, *(record.pk for record in many[1:])]


def test_enqueue__delay__waits(in_alpha: Any) -> None:
    """A job of tomorrow is not done today."""
    tasks.label.enqueue(delay=60, text="a")
    assert run_waiting() == []


ACTORS = st.builds(
    Actor,
    kind=st.sampled_from(["user", "api_key", "oauth_application", "command", "job"]),
    label=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=50),
    user_id=st.none() | st.uuids(),
    staff=st.booleans(),
)


@given(actor=ACTORS)
def test_envelope__any_actor__comes_out_as_it_went_in(actor: Actor) -> None:
    """Nothing about the person is lost on the way."""
    with operation(actor=actor, nested=False):
        sent = Envelope.around({"a": [1, None, "x"]})
    assert Envelope.from_json(sent.as_json()) == sent
    assert sent.on_behalf_of == actor


# Doing


def test_job__in_a_namespace__works_there_as_the_person(in_alpha: Any, ana: Any) -> None:
    """History names the job and the person, and new rows are the person's."""
    record = tasks.label.enqueue(text="a")
    run_waiting()
    version = Tag.history.get()
    assert (version.actor_kind, version.actor_label) == ("job", f"zoo.label on behalf of {ana.email}")
    assert (version.history_user_id, version.owner_id, version.history_change_reason) == (
        ana.pk, ana.pk, "zoo.label",
    )  # fmt: skip
    assert version.operation_id == record.operation_id


def test_job__from_a_bound_block__leaves_the_binding_alone(in_alpha: Any, beta: Any) -> None:
    """What is bound here is bound after a job of another namespace."""
    with namespace_scope(beta):
        tasks.label.enqueue(text="b")
    [record] = run_waiting()
    assert record.result["schema"] == beta.schema_name
    assert not Tag.objects.exists()


def test_job__that_returns__keeps_the_result(in_alpha: Any) -> None:
    """And is over."""
    tasks.label.enqueue(text="a")
    [record] = run_waiting()
    assert (record.state, record.result["namespace"]) == (JobState.SUCCEEDED, "alpha")
    assert record.created_at <= record.started_at <= record.finished_at


def test_job__that_fails__is_tried_as_often_as_declared(in_alpha: Any) -> None:
    """Once and once more, and nothing it changed stays."""
    tasks.fail.enqueue(message="no luck")
    [record] = run_waiting()
    assert (record.state, record.failures, record.error_code, record.error) == (
        JobState.FAILED, 2, "Upset", "no luck",
    )  # fmt: skip
    assert not Tag.all_objects.exists()


def test_job__that_fails_on_a_row__does_not_quote_it(in_alpha: Any) -> None:
    """PostgreSQL's details hold values of rows."""
    tasks.duplicate.enqueue(text="hunter2")
    [record] = run_waiting()
    assert record.error_code == "IntegrityError"
    assert "hunter2" not in record.error


@pytest.mark.parametrize(
    "message", ["postgresql://me:hunter2@db/x", "password=hunter2", "Secret: hunter2 was wrong"]
)
def test_job__that_fails_on_a_secret__does_not_keep_it(in_alpha: Any, message: str) -> None:
    """What looks like a password is left out."""
    tasks.fail.enqueue(message=message)
    assert "hunter2" not in run_waiting()[0].error


def test_job__too_long__fails_by_name(in_alpha: Any) -> None:
    """The timeout ends it at its next progress."""
    tasks.too_long.enqueue()
    assert run_waiting()[0].error_code == "job-timeout"


def test_job__that_nobody_declares__fails_by_name(in_alpha: Any, in_beta: Any) -> None:
    """A job of an app that was removed does not stay for ever."""
    tasks.label.enqueue(text="a")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.procrastinate_jobs SET task_name = 'gone.away'")
    assert run_waiting()[0].error_code == "job-unknown"


# Suspended namespaces


@pytest.mark.parametrize("state", [State.SUSPENDED, State.ARCHIVED, State.FAILED])
def test_job__namespace_not_active__is_parked(alpha: Any, in_alpha: Any, state: str) -> None:
    """It waits, counted as neither tried nor failed."""
    record = tasks.label.enqueue(text="a")
    set_state(alpha, state)
    run_waiting()
    record.refresh_from_db()
    assert (record.state, record.failures, record.deaths) == (JobState.PARKED, 0, 0)


def test_job__namespace_resumed__is_done(alpha: Any, in_alpha: Any) -> None:
    """Nothing is lost."""
    tasks.label.enqueue(text="a")
    set_state(alpha, State.SUSPENDED)
    run_waiting()
    set_state(alpha, State.ACTIVE)
    assert [record.state for record in run_waiting()] == [JobState.SUCCEEDED]


def test_job__namespace_suspended__does_not_park_those_of_others(
    alpha: Any, in_alpha: Any, beta: Any
) -> None:
    """Each namespace has its own fate."""
    tasks.label.enqueue(text="a")
    with namespace_scope(beta):
        tasks.label.enqueue(text="b")
    set_state(alpha, State.SUSPENDED)
    assert {record.namespace.slug: record.state for record in run_waiting()} == {
        "alpha": JobState.PARKED, "beta": JobState.SUCCEEDED,
    }  # fmt: skip


def test_job__parked_while_its_namespace_is_resumed__is_not_parked(in_alpha: Any) -> None:
    """Whoever resumes has looked for parked jobs already: this one must not come too late."""
    record = tasks.label.enqueue(text="a")
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM public.procrastinate_fetch_job_v2(ARRAY['default']::varchar[], NULL)")
        cursor.execute(
            "SELECT public.procrastinate_retry_job_v2(%s, NULL, NULL, 'default:parked', NULL)", [record.pk]
        )
    assert Job.objects.get(pk=record.pk).state == JobState.QUEUED


@pytest.mark.parametrize("parked", [False, True])
def test_job__namespace_removed__is_cancelled(beta: Any, bea: Any, parked: bool) -> None:
    """What was wanted there is not done anywhere."""
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        record = tasks.label.enqueue(text="b")
    if parked:
        set_state(beta, State.SUSPENDED)
        run_waiting()
    Namespace.objects.filter(pk=beta.pk).delete()
    assert (Job.objects.get(pk=record.pk).state, run_waiting()) == (JobState.CANCELLED, [])


# Cancel, retry, prune


def test_cancel__waiting_job__is_not_done(in_alpha: Any) -> None:
    """It stays in the list, cancelled."""
    record = cancel(tasks.label.enqueue(text="a"))
    assert (record.state, run_waiting()) == (JobState.CANCELLED, [])


def test_cancel__job_that_is_over__is_refused(in_alpha: Any) -> None:
    """The message says how it ended."""
    tasks.label.enqueue(text="a")
    [record] = run_waiting()
    with pytest.raises(JobOver, match="succeeded already"):
        cancel(record)


def test_retry__failed_job__is_done_again_from_the_start(in_alpha: Any) -> None:
    """Its failures are forgotten."""
    tasks.fail.enqueue(message="x")
    [record] = run_waiting()
    record = retry(record)
    assert (record.state, record.failures, record.error) == (JobState.QUEUED, 0, "")
    assert run_waiting()[0].failures == 2


def test_retry__cancelled_job__is_done(in_alpha: Any) -> None:
    """Second thoughts are allowed."""
    retry(cancel(tasks.label.enqueue(text="a")))
    assert run_waiting()[0].state == JobState.SUCCEEDED


def test_retry__while_another_of_its_key_waits__is_possible(in_alpha: Any) -> None:
    """Both are done, one after the other."""
    first = cancel(tasks.label.enqueue(key="k", text="a"))
    second = tasks.label.enqueue(key="k", text="b")
    retry(first)
    assert {record.pk for record in run_waiting()} == {first.pk, second.pk}


def test_retry__job_that_succeeded__is_refused(in_alpha: Any) -> None:
    """Its effects are there."""
    tasks.label.enqueue(text="a")
    with pytest.raises(JobNotRetriable):
        retry(run_waiting()[0])


def test_prune__old_jobs__are_forgotten_and_waiting_ones_are_not(in_alpha: Any) -> None:
    """Both the record and the queue's row go."""
    tasks.label.enqueue(text="a")
    run_waiting()
    Job.objects.update(finished_at=timezone.now() - timedelta(days=31))
    waiting = tasks.label.enqueue(text="b")
    assert prune_jobs(days=30) == 1
    assert list(Job.objects.values_list("pk", flat=True)) == [waiting.pk]
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(id) FROM public.procrastinate_jobs")
        assert cursor.fetchone() == ([waiting.pk],)


# Declaring


@pytest.mark.parametrize("name", ["nodot", "zoo.", "Zoo.x", "zoo.x y"])
def test_declare__malformed_name__is_refused(name: str) -> None:
    """Names are stored for ever."""
    with pytest.raises(ImproperlyConfigured):
        job(name)


def test_declare__name_that_is_taken__is_refused() -> None:
    """Two functions would be one job."""
    with pytest.raises(ImproperlyConfigured, match="Two jobs are called"):
        job("zoo.label")(time.sleep)


def test_declare__bad_cron_line__is_refused() -> None:
    """At start, not at midnight."""
    with pytest.raises(ImproperlyConfigured, match="no cron line"):
        job("zoo.never", every="sometimes")
