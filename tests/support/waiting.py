"""Wait for what another thread or process does."""

import time
from collections.abc import Callable

import pytest
from django.db import connection

PAUSE_SECONDS = 0.01


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = 10) -> None:
    """Ask until it holds; the test fails when it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {seconds:g} s.")
        time.sleep(PAUSE_SECONDS)


def wait_for_locks(number: int) -> None:
    """Wait until so many sessions of this database wait for a lock."""

    def holds() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction keeps what it saw first
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return bool(cursor.fetchone()[0] >= number)

    wait_until(holds, f"{number} sessions waiting")
