"""The ways in which Django reaches PostgreSQL: direct connections, its own pool, PgBouncer."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.db import connection
from django.test import override_settings

from tests.support.pgbouncer import connected, pgbouncer, require_pgbouncer


@contextmanager
def direct(_: str) -> Iterator[None]:
    """A connection for each thread, kept until the thread closes it."""
    yield


@contextmanager
def pool(_: str = "", *, least: int = 1, most: int = 4, timeout: float = 10) -> Iterator[None]:
    """Django's psycopg pool: any connection may have served anybody before."""
    sizes = {"min_size": least, "max_size": most, "timeout": timeout}
    options = {**connection.settings_dict["OPTIONS"], "pool": sizes}
    with connected(OPTIONS=options, CONN_MAX_AGE=0):
        try:
            yield
        finally:
            connection.close()
            connection.close_pool()


@contextmanager
def bouncer(database: str) -> Iterator[None]:
    """Three server processes behind PgBouncer, which changes them with every transaction."""
    require_pgbouncer()
    with override_settings(SMARTMODELS_POOLER=True), pgbouncer(database):
        yield


Way = Callable[[str], AbstractContextManager[Any]]
WAYS: list[Way] = [direct, pool, bouncer]
