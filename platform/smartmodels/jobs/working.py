"""A worker: procrastinate's, started again when the database was away, with an eye on dead workers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.db import close_old_connections
from procrastinate import App, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.job_context import AbortReason
from procrastinate.retry import BaseRetryStrategy

from smartmodels.conf import settings
from smartmodels.jobs.declaring import Job, declared
from smartmodels.jobs.direct import direct_parameters
from smartmodels.jobs.fencing import FencedManager
from smartmodels.jobs.logs import quiet_queue
from smartmodels.jobs.models import get_job_model
from smartmodels.jobs.performing import Again, Delivery, Stopped, perform
from smartmodels.jobs.progressing import Publish, Stopping
from smartmodels.jobs.rescuing import rescue

__all__ = ["WorkerOptions", "work"]

_AWAY = (ConnectorException, psycopg.Error, OSError)
_BACK_SECONDS, _PAUSE_SECONDS = 2.0, 0.05
_PUBLISH_SECONDS = 5.0
# An attempt that was taken for dead, and whose job another one does, says nothing any more.
_PUBLISH = """
UPDATE public.{table} SET done = %(done)s, total = %(total)s, message = %(message)s
WHERE id = %(id)s AND attempts = %(attempt)s AND state = 'running'
"""

logger = logging.getLogger("smartmodels.jobs")


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker works; times are in seconds."""

    queues: tuple[str, ...]
    concurrency: int = 4
    once: bool = False
    grace: float = 20.0


class _Follow(BaseRetryStrategy):
    """What becomes of a job is decided where it ran, and said by the exception."""

    def get_retry_decision(self, *, exception: BaseException, job: Any) -> RetryDecision | None:
        if not isinstance(exception, Again):
            return None
        when = datetime.now(UTC) + timedelta(seconds=exception.seconds)
        return RetryDecision(retry_at=when if exception.seconds else None, queue=exception.queue)


def _publisher(connector: PsycopgConnector, loop: asyncio.AbstractEventLoop, table: str) -> Publish:
    statement: Any = _PUBLISH.format(table=table)

    def publish(number: int, attempt: int, done: int, total: int | None, message: str) -> None:
        """Write the progress on a connection of the worker, outside of the job's transaction."""
        said = {"id": number, "attempt": attempt, "done": done, "total": total, "message": message}
        writing = connector.execute_query_async(statement, **said)
        # Progress that is lost harms nobody.
        with suppress(TimeoutError, *_AWAY):
            asyncio.run_coroutine_threadsafe(writing, loop).result(_PUBLISH_SECONDS)

    return publish


def _stopping(context: JobContext) -> Callable[[], Stopping]:
    answers = {
        AbortReason.USER_REQUEST: Stopping.CANCELLED,
        AbortReason.SHUTDOWN: Stopping.SHUTDOWN,
    }

    def ask() -> Stopping:
        """Return why the job should stop, if it should."""
        reason = context.abort_reason()
        return Stopping.NO if reason is None else answers[reason]

    return ask


def _task(app: App, wanted: Job, publish: Publish, *, once: bool) -> None:
    def run(context: JobContext, /, **kept: Any) -> None:
        """Do the job in the thread that was given to it."""
        row = context.job
        given = (row.id or 0, wanted.name, row.queue, row.attempts, kept)
        close_old_connections()
        try:
            perform(Delivery(*given, publish, _stopping(context)))
        except Stopped as error:
            raise JobAborted from error
        finally:
            close_old_connections()

    periodic = None if wanted.every is None else wanted.name
    options: dict[str, Any] = {"name": wanted.name, "queue": wanted.queue, "retry": _Follow()}
    task: Any = app.task(**options, pass_context=True, lock=periodic, queueing_lock=periodic)(run)
    if wanted.every is not None and not once:
        app.periodic(cron=wanted.every)(task)


async def work(options: WorkerOptions, stop: asyncio.Event) -> None:
    """Work until told to stop, or with ``once`` until nothing is left that could be done now."""
    quiet_queue()
    loop = asyncio.get_running_loop()
    # asgiref runs each job on a thread of this pool: one per job, and some for the rest.
    loop.set_default_executor(ThreadPoolExecutor(options.concurrency + 4, "job"))
    while not stop.is_set():
        try:
            await _work_while_connected(options, stop)
        except _AWAY as error:
            if options.once:
                raise
            logger.warning("The worker lost the database and tries again: %s", error)
        if options.once and not await _is_left(options.queues):
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _PAUSE_SECONDS if options.once else _BACK_SECONDS)


async def _is_left(queues: tuple[str, ...]) -> bool:
    """Tell whether jobs that could be done now were queued by those that were done."""
    async with await psycopg.AsyncConnection.connect(**direct_parameters()) as connection:
        found = await connection.execute(
            "SELECT FROM public.procrastinate_jobs WHERE status = 'todo' AND queue_name = ANY(%s)"
            " AND (scheduled_at IS NULL OR scheduled_at <= now()) LIMIT 1",
            [list(queues)],
        )
        return found.rowcount > 0


async def _work_while_connected(options: WorkerOptions, stop: asyncio.Event) -> None:
    size = 4 + options.concurrency // 4
    connector = PsycopgConnector(
        kwargs={**direct_parameters(), "application_name": "smartmodels worker"}, min_size=1, max_size=size
    )
    app = App(connector=connector)
    app.job_manager = FencedManager(connector)
    async with app.open_async():
        publish = _publisher(connector, asyncio.get_running_loop(), get_job_model()._meta.db_table)
        for wanted in declared().values():
            _task(app, wanted, publish, once=options.once)
        beat, stalled = settings().JOB_HEARTBEAT, settings().JOB_STALLED
        running = asyncio.create_task(
            app.run_worker_async(
                queues=list(options.queues),
                concurrency=options.concurrency,
                wait=not options.once,
                install_signal_handlers=False,
                shutdown_graceful_timeout=options.grace,
                update_heartbeat_interval=beat,
                stalled_worker_timeout=stalled,
                fetch_job_polling_interval=5.0,
                abort_job_polling_interval=1.0,
            )
        )
        rescuing = asyncio.create_task(_rescue_on_and_on(connector, stalled))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopping, rescuing}, return_when=asyncio.FIRST_COMPLETED)
        for each in (rescuing, stopping, running):
            each.cancel()
        for each in (rescuing, stopping):
            with suppress(asyncio.CancelledError):
                await each
        with suppress(asyncio.CancelledError):
            await running


async def _rescue_on_and_on(connector: PsycopgConnector, stalled: float) -> None:
    while True:
        await rescue(connector, stalled)
        await asyncio.sleep(stalled / 2)
