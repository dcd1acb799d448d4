"""The periodic jobs: finish what was cut off, forget what has expired, count."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from shared_apps.accounts.models import Session
from shared_apps.accounts.tasks import forget_sessions
from shared_apps.namespaces.models import Handover, Namespace
from shared_apps.namespaces.tasks import finish_cut_off, hand_over, provision
from shared_apps.operations.models import Job, UsageSample
from shared_apps.operations.tasks import prune_queue, purge, sample_usage
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import NamespaceFailed
from smartmodels.jobs import JobState, declared, run_waiting
from smartmodels.jobs.periods import enqueue_periodic
from smartmodels.ownership import sentinel_id
from smartmodels.tenancy.models import State
from smartmodels.tenancy.provisioning import reserve
from tenant_apps.research.models import Study
from tests.zoo.models import Tag

LONG_AGO = timedelta(days=400)


def state_of(slug: str) -> str:
    """The state of a namespace."""
    return str(Namespace.objects.get(slug=slug).state)


def reserved(slug: str, owner: Any, *, ago: timedelta = timedelta(minutes=2)) -> Namespace:
    """A reservation that was made so long ago."""
    namespace: Namespace = reserve(slug, name=slug, owner=owner)
    Namespace.objects.filter(pk=namespace.pk).update(created_at=timezone.now() - ago)
    return namespace


def test_finish_cut_off__reservation__becomes_a_namespace(ana: Any) -> None:
    """Its process died."""
    reserved("gamma", ana)
    assert finish_cut_off() == {"gamma": "active"}


def test_finish_cut_off__just_begun__is_left_alone(ana: Any) -> None:
    """Within a minute its own process is at it."""
    reserved("gamma", ana, ago=timedelta(seconds=30))
    assert (finish_cut_off(), state_of("gamma")) == ({}, State.RESERVED)


def test_finish_cut_off__failed__waits_for_a_person(ana: Any) -> None:
    """What went wrong would go wrong again."""
    namespace = reserved("gamma", ana)
    Namespace.objects.filter(pk=namespace.pk).update(state=State.FAILED)
    assert (finish_cut_off(), state_of("gamma")) == ({}, State.FAILED)


def test_finish_cut_off__somebody_at_work__is_left_to_it(committing: Any, ana: Any) -> None:
    """The lock of a living process is respected."""
    namespace = reserved("gamma", ana)
    with psycopg.connect(committing.url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [0x736D, namespace.pk.int % 2**31])
        assert finish_cut_off() == {}


def test_finish_cut_off__one_that_fails__does_not_stop_the_next(ana: Any) -> None:
    """Its row says why."""
    broken = reserved("gamma", ana)
    Namespace.objects.filter(pk=broken.pk).update(schema_name="public")
    reserved("delta", ana)
    assert finish_cut_off() == {"gamma": "failed", "delta": "active"}


def test_provision__job__makes_the_namespace_and_says_how_far_it_is(ana: Any) -> None:
    """The last progress is the end."""
    namespace = reserve("gamma", name="Gamma", owner=ana)
    with operation(actor=Actor.user(ana)):
        provision.enqueue(namespace=str(namespace.pk))
    [record] = run_waiting()
    assert record.result == {"slug": "gamma", "state": "active"}
    assert (record.done, record.total) == (4, 4)


def test_provision__step_fails__job_and_row_say_why(ana: Any) -> None:
    """The job is tried again later, since steps can be repeated."""
    namespace = reserve("gamma", name="Gamma", owner=ana)
    Namespace.objects.filter(pk=namespace.pk).update(schema_name="public")
    with operation(actor=Actor.user(ana)):
        record = provision.enqueue(namespace=str(namespace.pk))
    run_waiting()
    record.refresh_from_db()
    assert (record.state, record.failures, record.error_code) == (
        JobState.QUEUED, 1, NamespaceFailed.code,
    )  # fmt: skip


def test_hand_over__cut_off__is_finished(alpha: Any, ben: Any) -> None:
    """The rows of a closed account go to the sentinel, by a job of that account's own."""
    with namespace_scope(alpha), operation(actor=Actor.user(ben)):
        study = Study.objects.create(code="B")
    Handover.objects.create(user=ben, namespace=alpha)
    assert hand_over() == 1
    run_waiting()
    with namespace_scope(alpha):
        study.refresh_from_db()
        assert study.owner_id == sentinel_id()


def test_forget_sessions__expired__are_gone(db: Any) -> None:
    """Those in force stay."""
    for key, age in (("old", -1), ("new", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=timezone.now() + timedelta(hours=age)
        )
    forget_sessions()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]


def test_purge__every_namespace__is_a_job_of_its_own(alpha: Any, beta: Any) -> None:
    """No tenant waits for another's rows."""
    with operation():
        assert purge() == 2
    names = Job.objects.filter(name="operations.purge_namespace").values_list("namespace__slug", flat=True)
    assert sorted(names) == ["alpha", "beta"]


def test_purge__retention_over__removes_the_rows(in_alpha: Any) -> None:
    """Of models that declare a retention."""
    tag = Tag.objects.create(label="kept")
    tag.delete()
    Tag.all_objects.filter(pk=tag.pk).update(deleted_at=timezone.now() - LONG_AGO)
    purge()
    [record] = [each for each in run_waiting() if each.namespace_id == in_alpha.pk]
    assert (record.state, record.result) == (JobState.SUCCEEDED, 0)


def test_sample_usage__twice_a_day__keeps_one_sample(alpha: Any, beta: Any) -> None:
    """Bytes on disk, per namespace and day."""
    sample_usage()
    assert sample_usage() == 2
    samples = UsageSample.objects.order_by("slug")
    assert [sample.slug for sample in samples] == ["alpha", "beta"]
    assert all(sample.bytes > 100_000 for sample in samples)


def test_prune_queue__routine_of_yesterday__is_forgotten_before_the_rest(in_alpha: Any) -> None:
    """Nobody asks for the thousands of looks that found nothing."""
    enqueue_periodic({"default"})
    run_waiting()
    Job.objects.update(finished_at=timezone.now() - timedelta(days=2))
    Job.objects.filter(name="accounts.forget_sessions").update(state=JobState.FAILED)
    prune_queue()
    routine = [name for name, each in declared().items() if each.every is not None]
    left = Job.objects.filter(name__in=routine).values_list("name", flat=True)
    assert list(left) == ["accounts.forget_sessions"]


def test_enqueue_periodic__twice__queues_each_once(db: Any) -> None:
    """One that waits is enough."""
    first, second = ([record.pk for record in enqueue_periodic({"default"})] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", sorted(n for n, each in declared().items() if each.every is not None))
def test_periodic_job__on_its_own__needs_no_arguments(db: Any, name: str) -> None:
    """A worker calls it without any."""
    enqueue_periodic({declared()[name].queue})
    states = {record.name: record.state for record in run_waiting(declared()[name].queue)}
    assert states[name] == JobState.SUCCEEDED
