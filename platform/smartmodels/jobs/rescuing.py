"""Jobs whose worker died are given to another one: once."""

from __future__ import annotations

import logging

from procrastinate import PsycopgConnector

__all__ = ["rescue"]

logger = logging.getLogger("smartmodels.jobs")


async def rescue(connector: PsycopgConnector, seconds: float) -> None:
    """Put jobs back whose worker was not heard of for so long; those it happens to twice have failed."""
    rows = await connector.execute_query_all_async(
        "SELECT * FROM public.smartmodels_job_rescue(%(seconds)s)", seconds=seconds
    )
    for row in rows:
        fate = "not tried again" if row["died"] > 1 else "done again"
        logger.warning("job %s %s: its worker died; %s", row["number"], row["name"], fate)
