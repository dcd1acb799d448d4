"""A worker's connections go to PostgreSQL itself: a pooler passes on neither notifications nor locks."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connections

from smartmodels.conf import settings
from smartmodels.jobs.errors import JobWorkerRefused

__all__ = ["direct_parameters", "go_direct", "is_pooled"]

_UNWANTED = ("cursor_factory", "context", "prepare_threshold", "client_encoding", "pool")


def direct_parameters() -> dict[str, Any]:
    """Return how libpq reaches the database, for connections that are not Django's."""
    wrapper: Any = connections["default"]
    return {key: value for key, value in wrapper.get_connection_params().items() if key not in _UNWANTED}


def go_direct() -> None:
    """Let this process reach the database by ``SMARTMODELS_DIRECT_DATABASE``, if that is set.

    Raises JobWorkerRefused if it is not and the database is behind a pooler, or if that is one as well.
    """
    direct = settings().DIRECT_DATABASE
    if direct is not None:
        connections.close_all()
        # One dictionary, of which the connections of all threads are made.
        connections.settings["default"].update(direct)
    elif settings().POOLER:
        raise JobWorkerRefused(
            "DATABASE_URL leads through a pooler (DATABASE_POOLER=1), which passes on no notifications: "
            "set DATABASE_DIRECT_URL to the address of PostgreSQL itself."
        )
    with psycopg.connect(autocommit=True, **direct_parameters()) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        if is_pooled(connection.info.backend_pid, row[0] if row else 0):
            raise JobWorkerRefused(
                "The database is reached through a pooler, which passes on no notifications: "
                "set DATABASE_DIRECT_URL to the address of PostgreSQL itself."
            )


def is_pooled(greeted_by: int, answered_by: int) -> bool:
    """Tell whether another process answers than the one that greeted: then there is a pooler in between."""
    return greeted_by != answered_by
