"""Do what waits, here and now, on this connection: for tests, which see the outcome at once."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from smartmodels.context import public_scope
from smartmodels.jobs.models import get_job_model
from smartmodels.jobs.performing import Again, Delivery, Stopped, perform
from smartmodels.jobs.progressing import Stopping

__all__ = ["run_waiting"]

_FETCH = "SELECT id, task_name, queue_name, attempts, args FROM public.procrastinate_fetch_job_v2(%s, NULL)"


def run_waiting(*queues: str) -> list[Any]:
    """Do all jobs that wait, of these queues or of all, one by one; return the records of what was done.

    Works in the transaction that is open, so a test that is rolled back needs no worker. Parked jobs, and
    those that are to be done later, keep waiting.
    """
    done = []
    while (row := _fetch(list(queues) or None)) is not None:
        number, name, queue, attempt, kept = row
        try:
            perform(Delivery(number, name, queue, attempt, kept, _publish, lambda: Stopping.NO))
        except Again as again:
            _call("procrastinate_retry_job_v2(%s, now() + make_interval(secs => %s), NULL, %s, NULL)",
                  number, again.seconds, again.queue)  # fmt: skip
        except Exception as error:  # noqa: BLE001 - its record says why
            status = "aborted" if isinstance(error, Stopped) else "failed"
            _call("procrastinate_finish_job_v1(%s, %s, false)", number, status)
        else:
            _call("procrastinate_finish_job_v1(%s, 'succeeded', false)", number)
        done.append(number)
    with public_scope():
        found = get_job_model().objects.in_bulk(done)
    return [found[number] for number in dict.fromkeys(done)]


def _fetch(queues: list[str] | None) -> tuple[Any, ...] | None:
    with public_scope(), connection.cursor() as cursor:
        # Parked jobs stand in queues of other names, which "all" must not mean.
        cursor.execute(
            "SELECT array_agg(DISTINCT queue_name) FROM public.procrastinate_jobs"
            " WHERE status = 'todo' AND queue_name NOT LIKE '%%:parked'"
        )
        (waiting,) = cursor.fetchone()
        cursor.execute(_FETCH, [[each for each in waiting or () if queues is None or each in queues]])
        number, name, queue, attempt, kept = cursor.fetchone()
    return None if number is None else (number, name, queue, attempt, json.loads(kept))


def _call(function: str, *values: Any) -> None:
    with public_scope(), connection.cursor() as cursor:
        cursor.execute(f"SELECT public.{function}", values)


def _publish(number: int, attempt: int, done: int, total: int | None, message: str) -> None:
    with public_scope():
        rows = get_job_model().objects.filter(pk=number, attempts=attempt)
        rows.update(done=done, total=total, message=message)
