"""Which errors of PostgreSQL pass by waiting, which may be answered in another way, and what to call them."""

from __future__ import annotations

import psycopg
from django.db import InterfaceError, OperationalError

from smartmodels.exceptions import NamespaceBusy, SmartModelsError

__all__ = [
    "BUSY",
    "DRIFTED",
    "MOVED",
    "code_of",
    "is_lost",
    "is_transient",
    "may_not_fit",
    "sqlstate_of",
    "text_of",
]

BUSY, MOVED, DRIFTED = "SM101", "SM102", "SM103"
"""What public.smartmodels_take_schema() raises."""

_TRANSIENT = frozenset({BUSY, "55P03", "40P01", "40001", "57P01", "57P02", "57P03"})
_CODES = {
    BUSY: "namespace-busy",
    "55P03": "lock-timeout",
    "40P01": "deadlock",
    "53100": "disk-full",
    "42501": "permission-denied",
}
_LOST = "database-unavailable"


def sqlstate_of(error: BaseException) -> str | None:
    """Return PostgreSQL's code of the error, or of the one that it was raised from."""
    for each in (error, error.__cause__):
        if (state := getattr(each, "sqlstate", None)) is not None:
            return str(state)
    return None


def is_lost(error: BaseException) -> bool:
    """Tell whether the connection went away."""
    kinds = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
    state = sqlstate_of(error)
    if state is None:
        return isinstance(error, kinds)
    return state.startswith(("08", "57P"))


def is_transient(error: BaseException) -> bool:
    """Tell whether the same may succeed in a moment: a lock was taken, a connection lost."""
    return isinstance(error, NamespaceBusy) or sqlstate_of(error) in _TRANSIENT or is_lost(error)


def may_not_fit(error: BaseException) -> bool:
    """Tell whether recorded statements failed because this schema is not like the one they come from."""
    state = sqlstate_of(error) or ""
    return state == DRIFTED or (state.startswith("42") and state != "42501")


def code_of(error: BaseException) -> str:
    """Return the error's code for reports."""
    if isinstance(error, SmartModelsError):
        return error.code
    if is_lost(error):
        return _LOST
    return _CODES.get(sqlstate_of(error) or "", "migration-failed")


def text_of(error: BaseException) -> str:
    """Return the error in one line, its kind first."""
    kind = NamespaceBusy.__name__ if sqlstate_of(error) == BUSY else type(error).__name__
    return f"{kind}: {' '.join(str(error).split())}"[:2000]
