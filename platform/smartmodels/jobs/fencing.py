"""How a job ended is written by whoever has the job, and by nobody who lost it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager

__all__ = ["FencedManager"]

_PAUSE_SECONDS = 1.0
_MINE = """
WITH mine AS MATERIALIZED (
    SELECT id FROM public.procrastinate_jobs
    WHERE id = %(id)s AND status = 'doing' AND attempts = %(attempts)s
    FOR UPDATE
)
SELECT {call} FROM mine
"""
_FINISH = _MINE.format(call="public.procrastinate_finish_job_v1(id, %(status)s, false)")
_RETRY = _MINE.format(call="public.procrastinate_retry_job_v2(id, %(at)s, NULL, %(queue)s, NULL)")

logger = logging.getLogger("smartmodels.jobs")


class FencedManager(JobManager):
    """Each attempt at a job has a number; only the attempt that is on can end the job.

    While the database is away, the end is told again and again: a job that its worker thinks is over and
    the queue thinks is being done would wait for ever.
    """

    async def finish_job(self, job: Any, status: Any, delete_job: bool) -> None:
        """Write how the job ended; jobs are never deleted here."""
        await self._tell(job, _FINISH, status=status.value)

    async def retry_job(
        self,
        job: Any,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Put the job back; priority and lock stay what they are."""
        await self._tell(job, _RETRY, at=retry_at, queue=queue)

    async def _tell(self, job: Any, statement: Any, **values: Any) -> None:
        run: Callable[..., Awaitable[Any]] = self.connector.execute_query_all_async
        while True:
            try:
                rows = await run(statement, id=job.id, attempts=job.attempts, **values)
            except ConnectorException as error:
                logger.warning("job %s: how it ended cannot be written yet: %s", job.id, error.__cause__)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if not rows:
                logger.warning("job %s was given to another worker meanwhile", job.id)
            return
