"""Patterns may take long, whatever is refused before: then the database gives up, and the answer is 400."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error

from smartmodels.conf import settings
from smartmodels.context import working
from smartmodels.rest.filtering.errors import InvalidFilter
from smartmodels.rest.filtering.selection import Selection

__all__ = ["searching"]

_WORK = "search"
_WHAT = {"57014": "takes too long", "2201B": "is too complex"}
"""What PostgreSQL's codes mean here: query_canceled and invalid_regular_expression."""


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
        what = _WHAT.get(str(getattr(error.__cause__, "sqlstate", None)))
        if what is None:
            raise
        raise InvalidFilter(f"searching by this pattern {what}: make it simpler", ("where",)) from error
