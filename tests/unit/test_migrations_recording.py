"""What is kept of the statements that a migration sent."""

from typing import Any

import pytest

from smartmodels.tenancy.migrating.recording import Recording


@pytest.fixture
def recording() -> Recording:
    """A migration that read the catalogue on one table."""
    made = Recording(None, "t_x")
    made._watch(_nothing, "SELECT 1 FROM pg_class WHERE relname = %s", ["part"], False, {})
    return made


def _nothing(*_: Any) -> None:
    """Send nothing."""


def test_script__read_a_table_of_known_shape__insists_on_it(recording: Recording) -> None:
    """Where the table is another, the statements may not fit."""
    script = recording.script({"part": "part 1f", "other": "other 2e"})
    assert script is not None
    assert (script.tables, script.shape) == (("part",), "part 1f")


def test_script__read_a_table_of_unknown_shape__is_none(recording: Recording) -> None:
    """Nobody could tell whether the statements fit elsewhere."""
    assert recording.script({"part": None}) is None


def test_script__read_what_was_not_there__asks_for_nothing(recording: Recording) -> None:
    """It is no table of before, such as one that the statements made."""
    script = recording.script({"other": None})
    assert script is not None
    assert script.shape is None
