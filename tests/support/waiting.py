"""Wait for what another thread or process does."""

import time
from collections.abc import Callable

import pytest

PAUSE_SECONDS = 0.01


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = 10) -> None:
    """Ask until it holds; the test fails when it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {seconds:g} s.")
        time.sleep(PAUSE_SECONDS)
