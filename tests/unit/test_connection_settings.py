"""DATABASE_POOL and DATABASE_MAX_AGE: what they make of a DATABASES entry, and what is refused."""

from typing import Any

import pytest

from config.connections import InvalidConnectionSettings, with_connections

ENTRY = {"NAME": "app", "OPTIONS": {"sslmode": "require"}}


def made(**environ: str) -> dict[str, Any]:
    """The entry under these variables."""
    return with_connections(ENTRY, environ)


def test_connections__nothing_said__are_kept_ten_minutes() -> None:
    """A thread comes back to its connection."""
    assert made() == {**ENTRY, "CONN_MAX_AGE": 600}


def test_connections__with_an_age__are_kept_as_long() -> None:
    """Zero opens one for each request."""
    assert made(DATABASE_MAX_AGE="0")["CONN_MAX_AGE"] == 0


def test_connections__with_a_pool__belong_to_it() -> None:
    """Other options stay; Django keeps none itself."""
    assert made(DATABASE_POOL=" 2, 10") == {
        "NAME": "app",
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "sslmode": "require",
            "pool": {"min_size": 2, "max_size": 10, "timeout": 5.0, "reconnect_timeout": 3.0},
        },
    }


@pytest.mark.parametrize(
    "pool", ["10", "2;10", "10,2", "0,0", "-1,2", ",", "1,", "a,b", "2,", "2,10,3", "\u0662,9", "1,999999999"]
)
def test_pool__of_no_sense__is_refused(pool: str) -> None:
    """With the name of the variable."""
    with pytest.raises(InvalidConnectionSettings, match="DATABASE_POOL"):
        made(DATABASE_POOL=pool)


def test_pool__and_an_age__are_refused() -> None:
    """Two would keep the same connection."""
    with pytest.raises(InvalidConnectionSettings, match="exclude each other"):
        made(DATABASE_POOL="2,10", DATABASE_MAX_AGE="60")


@pytest.mark.parametrize("age", ["-1", "1.5", "forever", "86401"])
def test_age__that_is_no_number_of_seconds__is_refused(age: str) -> None:
    """With what was written."""
    with pytest.raises(InvalidConnectionSettings, match="DATABASE_MAX_AGE"):
        made(DATABASE_MAX_AGE=age)
