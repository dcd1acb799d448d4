"""Do one job: as the person who wanted it, where they wanted it, and once."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import close_old_connections, connection, transaction
from django.db.models import F
from django.utils import timezone

from smartmodels.context import Actor, namespace_scope, operation, public_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.jobs.declaring import Job, declared, find_job
from smartmodels.jobs.envelope import Envelope, find_namespace
from smartmodels.jobs.errors import JobSuperseded
from smartmodels.jobs.failing import describe_error, is_outage
from smartmodels.jobs.models import get_job_model
from smartmodels.jobs.progressing import Cancelled, HandedBack, Publish, Run, current_run

__all__ = ["PARKED", "Again", "Delivery", "Failed", "Stopped", "perform"]

PARKED = ":parked"
"""Ends the name of the queue of jobs that wait for their namespace; jobs.sql knows it as well."""

_OUTAGE_SECONDS = 5.0

logger = logging.getLogger("smartmodels.jobs")


class Again(Exception):
    """The job goes back into the queue: after ``seconds``, into ``queue`` if that is another one."""

    def __init__(self, seconds: float = 0, queue: str | None = None) -> None:
        super().__init__("The job goes back into the queue.")
        self.seconds, self.queue = seconds, queue


class Failed(Exception):
    """The job failed for good; its record says why."""


class Stopped(Exception):
    """The job was cancelled while it ran."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A job as the queue hands it out, with what its run needs of the worker."""

    number: int
    name: str
    queue: str
    attempt: int
    kept: dict[str, Any]
    publish: Publish
    stopping: Any


def perform(delivery: Delivery) -> None:
    """Do the job; return when it is done. Raises Again, Failed or Stopped."""
    began = time.monotonic()
    try:
        _attempt(delivery)
    except (Again, Failed, Stopped):
        raise
    except Cancelled as error:
        logger.info("job %s %s was cancelled", delivery.number, delivery.name)
        raise Stopped from error
    except HandedBack as error:
        raise Again from error
    except Exception as error:
        raise _verdict(delivery, error) from error
    logger.info("job %s %s took %.3f s", delivery.number, delivery.name, time.monotonic() - began)


def _attempt(delivery: Delivery) -> None:
    wanted, envelope = find_job(delivery.name), Envelope.from_json(delivery.kept)
    with public_scope():
        record = get_job_model().objects.get(pk=delivery.number)
        if record.completed_at is not None:
            return  # Its worker died between the commit and saying so.
        namespace = find_namespace(envelope.namespace)
    if namespace is not None and not namespace.is_active:
        raise Again(queue=delivery.queue + PARKED)
    deadline = time.monotonic() + wanted.timeout
    run = Run(delivery.number, delivery.attempt, deadline, delivery.publish, delivery.stopping)
    with ExitStack() as stack:
        stack.enter_context(namespace_scope(namespace))
        stack.enter_context(_operation(wanted, envelope, record.operation_id))
        stack.enter_context(_running(run))
        stack.enter_context(_timed(wanted.timeout))
        _call(wanted, envelope, run)


def _operation(wanted: Job, envelope: Envelope, number: Any) -> operation:
    person = envelope.on_behalf_of
    return operation(
        actor=Actor("job", wanted.name, None if person is None else person.user_id),
        on_behalf_of=person,
        reason=wanted.name,
        id=envelope.operation or number,
        nested=False,
    )


def _call(wanted: Job, envelope: Envelope, run: Run) -> None:
    if wanted.atomic:
        with transaction.atomic():
            _complete(run, wanted.function(**envelope.arguments))
        return
    result = wanted.function(**envelope.arguments)
    with transaction.atomic():
        _complete(run, result)


def _complete(run: Run, result: Any) -> None:
    """Write that the job is done; raise JobSuperseded if it is somebody else's by now."""
    try:
        json.dumps(result, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The result of a job is JSON or None: {error}.") from error
    with public_scope():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT FROM public.procrastinate_jobs"
                " WHERE id = %s AND status = 'doing' AND attempts = %s FOR UPDATE",
                [run.number, run.attempt],
            )
            if cursor.fetchone() is None:
                raise JobSuperseded("This worker was taken for dead, and the job given to another one.")
        get_job_model().objects.filter(pk=run.number).update(
            completed_at=timezone.now(), result=result, error_code="", error=""
        )


@contextmanager
def _running(run: Run) -> Iterator[None]:
    token = current_run.set(run)
    try:
        yield
    finally:
        current_run.reset(token)


@contextmanager
def _timed(seconds: float) -> Iterator[None]:
    """Let no statement run on when the job's time is over; a transaction of the caller is left alone."""
    if connection.in_atomic_block:
        yield
        return
    _set_timeout(f"{seconds:.3f}s")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            _set_timeout("0")


def _set_timeout(value: str) -> None:
    with public_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [value])


def _verdict(delivery: Delivery, error: Exception) -> Exception:
    """Return what becomes of a job that failed, having kept the reason."""
    if isinstance(error, JobSuperseded):
        logger.warning("job %s %s: %s", delivery.number, delivery.name, error)
        return error
    code, said = describe_error(error)
    if is_outage(error):
        logger.warning("job %s %s lost the database: %s", delivery.number, delivery.name, said)
        return _after_outage(delivery, code, said)
    logger.error("job %s %s failed: %s [%s]", delivery.number, delivery.name, said, code, exc_info=error)
    failures = _keep(delivery.number, code, said, "failures")
    wanted = declared().get(delivery.name)
    if wanted is None or failures > wanted.retries:
        return Failed(code)
    return Again(wanted.wait * 2 ** (failures - 1))


def _after_outage(delivery: Delivery, code: str, said: str) -> Exception:
    """Try once more, as after the death of a worker; if nothing can be kept, the database is still away."""
    try:
        deaths = _keep(delivery.number, code, said, "deaths")
    except Exception:  # noqa: BLE001 - whatever the connection says, it is not there
        return Again(_OUTAGE_SECONDS)
    return Failed(code) if deaths > 1 else Again(_OUTAGE_SECONDS)


def _keep(number: int, code: str, said: str, counter: str) -> int:
    """Keep the reason and count; return the count."""
    if not connection.in_atomic_block:
        # One that was lost is replaced, so that the reason can be kept.
        close_old_connections()
    with public_scope(), transaction.atomic():
        rows = get_job_model().objects.filter(pk=number)
        rows.update(error_code=code, error=said, **{counter: F(counter) + 1})
        return int(rows.values_list(counter, flat=True).get())
