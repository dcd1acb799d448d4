"""How long connections to the database live, and whether a pool keeps them: further keys of DATABASES."""

from collections.abc import Mapping
from typing import Any

POOL = "DATABASE_POOL"
MAX_AGE = "DATABASE_MAX_AGE"
LAST_NUMBER = 86_400
DEFAULT_MAX_AGE = 600
# Seconds a request waits for a connection, and the pool tries to make one before it lets the next ask for it:
# it waits longer from try to try, so a pool that tries for minutes still waits when the server is back.
POOL_PATIENCE = {"timeout": 5.0, "reconnect_timeout": 3.0}


class InvalidConnectionSettings(ValueError):
    """DATABASE_POOL, or a number beside it, cannot be used; the message says why, and how to write it."""

    code = "invalid_connection_settings"


def with_connections(entry: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the DATABASES entry with ``CONN_MAX_AGE`` and, where one is asked for, the options of a pool.

    Raises InvalidConnectionSettings.
    """
    pool = _pool(environ.get("DATABASE_POOL", "").strip())
    max_age = environ.get("DATABASE_MAX_AGE", "").strip()
    if pool is None:
        seconds = whole_number(MAX_AGE, max_age) if max_age else DEFAULT_MAX_AGE
        return {**entry, "CONN_MAX_AGE": seconds}
    if max_age not in ("", "0"):
        raise InvalidConnectionSettings(
            f"{POOL} and {MAX_AGE} exclude each other, because the pool keeps the connections: "
            f"leave {MAX_AGE} away."
        )
    return {**entry, "CONN_MAX_AGE": 0, "OPTIONS": {**entry["OPTIONS"], "pool": pool}}


def _pool(written: str) -> dict[str, Any] | None:
    if not written:
        return None
    least, comma, most = written.partition(",")
    if not comma:
        raise InvalidConnectionSettings(f"{POOL} is the least and the most connections: write it as 2,10.")
    sizes = {"min_size": whole_number(POOL, least), "max_size": whole_number(POOL, most)}
    if not 0 <= sizes["min_size"] <= sizes["max_size"] or sizes["max_size"] == 0:
        raise InvalidConnectionSettings(
            f"{POOL} holds at least one connection, and the most come last: 2,10."
        )
    return {**sizes, **POOL_PATIENCE}


def whole_number(name: str, written: str) -> int:
    """Return the number that a variable holds, at most LAST_NUMBER. Raises InvalidConnectionSettings."""
    written = written.strip()
    if not (written.isascii() and written.isdecimal() and len(written) <= 6 and int(written) <= LAST_NUMBER):
        raise InvalidConnectionSettings(f"{name} holds {written[:20]!r}, not a number up to {LAST_NUMBER}.")
    return int(written)
