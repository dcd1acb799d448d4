"""Put jobs into the queue, take them out, look after what is over."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from smartmodels.context import current_namespace, public_scope
from smartmodels.jobs.envelope import Envelope
from smartmodels.jobs.errors import JobNotRetriable, JobOver
from smartmodels.jobs.models import JobState, get_job_model

__all__ = ["cancel", "enqueue", "enqueue_locked", "prune_jobs", "retry"]


def enqueue(
    name: str, queue: str, arguments: dict[str, Any], *, key: str | None = None, delay: float = 0
) -> Any:
    """Put a job into the queue, in the caller's transaction: a rollback takes it out again.

    The namespace that is bound and the actor of the open operation travel with it. Of jobs with the same
    ``key`` (per job and namespace) at most one waits and at most one runs; while one waits, that one is
    returned. ``delay`` is in seconds. Returns the job's record; raises InvalidInput for arguments that are
    not JSON.
    """
    lock = None
    if key is not None:
        namespace = current_namespace()
        lock = f"{name}:{'-' if namespace is None else namespace.pk}:{key}"
    return enqueue_locked(name, queue, arguments, lock=lock, delay=delay)


def enqueue_locked(
    name: str, queue: str, arguments: dict[str, Any], *, lock: str | None, delay: float = 0
) -> Any:
    """Put a job into the queue under a lock, whose waiting holder is returned instead if there is one."""
    kept = Envelope.around(arguments).as_json()
    deferrer = app.configure_task(
        name,
        queue=queue,
        lock=lock,
        queueing_lock=lock,
        schedule_at=timezone.now() + timedelta(seconds=delay) if delay else None,
    )
    with public_scope():
        if lock is None:
            return _record(deferrer.defer(**kept))
        try:
            with transaction.atomic():
                return _record(deferrer.defer(**kept))
        except AlreadyEnqueued:
            waiting = _waiting(lock)
            # Taken by a worker in between: it does not wait any more, so this one may.
            return _record(deferrer.defer(**kept) if waiting is None else waiting)


def _record(number: int) -> Any:
    return get_job_model().objects.get(pk=number)


def _waiting(lock: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM public.procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo'", [lock]
        )
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def cancel(record: Any) -> Any:
    """Take a job out of the queue, or ask a running one to stop, which it does at its next progress.

    Returns the record as it is then; raises JobOver for one that has ended.
    """
    with public_scope(), transaction.atomic():
        if app.job_manager.cancel_job_by_id(record.pk, abort=True):
            return _record(record.pk)
        record.refresh_from_db()
    raise JobOver(f"Job {record.pk} is {record.state} already: there is nothing to cancel.", job=record.pk)


def retry(record: Any) -> Any:
    """Put a job that failed, or was cancelled, into the queue again; return its record.

    Raises JobNotRetriable for one in another state, and for one whose row the queue has lost.
    """
    with public_scope(), transaction.atomic():
        changed = _requeue(record.pk)
        record.refresh_from_db()
        if not changed:
            raise JobNotRetriable(
                f"Job {record.pk} is {record.state}: only one that failed or was cancelled is tried again.",
                job=record.pk,
            )
        get_job_model().objects.filter(pk=record.pk).update(
            failures=0, deaths=0, done=0, total=None, message="", error_code="", error=""
        )
        return _record(record.pk)


def _requeue(number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.procrastinate_jobs SET status = 'todo', abort_requested = false,"
            " scheduled_at = NULL, attempts = attempts + 1"
            " WHERE id = %s AND status IN ('failed', 'cancelled', 'aborted')",
            [number],
        )
        return bool(cursor.rowcount)


def prune_jobs(*, days: float, routine: Collection[str] = (), limit: int = 5000) -> int:
    """Remove up to ``limit`` jobs that ended more than ``days`` ago; return how many.

    Of those called as in ``routine`` the ones that succeeded go after a day: nobody asks for them.
    """
    model, now = get_job_model(), timezone.now()
    final = [state for state in JobState if state.is_final]
    dull = Q(name__in=routine, state=JobState.SUCCEEDED, finished_at__lt=now - timedelta(days=1))
    with public_scope(), transaction.atomic():
        over = model.objects.filter(Q(state__in=final, finished_at__lt=now - timedelta(days=days)) | dull)
        numbers = list(over.order_by("pk").values_list("pk", flat=True)[:limit])
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM public.procrastinate_jobs WHERE id = ANY(%s)", [numbers])
        model.objects.filter(pk__in=numbers).delete()
    return len(numbers)
