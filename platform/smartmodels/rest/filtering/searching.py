"""Patterns may take long, whatever is refused before: then the database gives up, and the answer is 400."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import Error

from smartmodels.conf import settings
from smartmodels.context import working
from smartmodels.rest.filtering.errors import InvalidFilter
from smartmodels.rest.filtering.selection import Selection

__all__ = ["searching"]

_WORK = "search"
_CANCELLED, _BAD_PATTERN = "57014", "2201B"


@contextmanager
def searching(selection: Selection) -> Iterator[None]:
    """Read rows that are searched by patterns within the time ``STATEMENT_TIMEOUTS["search"]`` allows.

    Raises InvalidFilter when it takes longer, or when PostgreSQL finds the pattern too complex.
    """
    if not selection.has_patterns or _WORK not in settings().STATEMENT_TIMEOUTS:
        yield
        return
    try:
        with working(_WORK):
            yield
    except Error as error:
        raise _refusal(error) from error


def _refusal(error: Error) -> Any:
    state = getattr(error.__cause__, "sqlstate", None)
    if state not in (_CANCELLED, _BAD_PATTERN):
        return error
    what = "takes too long" if state == _CANCELLED else "is too complex"
    return InvalidFilter(f"searching by this pattern {what}: make it simpler", ("where",))
