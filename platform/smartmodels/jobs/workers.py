"""The workers there are."""

from __future__ import annotations

from django.db import connection

from smartmodels.conf import settings
from smartmodels.context import public_scope

__all__ = ["living_workers"]


def living_workers() -> int:
    """Return how many workers gave a sign of life within ``SMARTMODELS_JOB_STALLED`` seconds."""
    with public_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM public.procrastinate_workers"
            " WHERE last_heartbeat > now() - make_interval(secs => %s)",
            [settings().JOB_STALLED],
        )
        return int(cursor.fetchone()[0])
