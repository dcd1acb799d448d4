"""Which rows an update or a deletion by ``where`` is about: those of a filter, if it is no empty one."""

from __future__ import annotations

from typing import Any

from smartmodels.rest.bulk.finding import lock_rows
from smartmodels.rest.bulk.preferences import Preferences
from smartmodels.rest.faults import InvalidParameter
from smartmodels.rest.filtering import Selection, given_in_query, searching, selection_of
from smartmodels.rest.filtering.brackets import listed
from smartmodels.rest.problems import Problem, Refused

__all__ = ["rows_where"]


def _says_something(where: Any) -> bool:
    """Tell whether a ``where`` that was understood names a condition, and not beside it a way around it."""
    return any(_is_condition(name, given) for name, given in where.items())


def _is_condition(name: str, given: Any) -> bool:
    if name == "not":
        return _says_something(given)
    if name not in ("and", "or", "nor"):
        return True
    branches = [_says_something(each) for each in listed(given)] if given else []
    return any(branches) if name == "and" else bool(branches) and all(branches)


def _selected(view: Any) -> Selection:
    """Return what ``?where=`` selects; raise InvalidFilter, and InvalidParameter for no condition at all."""
    where = given_in_query(view.request, "where")
    if where is None:
        raise InvalidParameter("where", "Say which rows are meant: ?where={...}, or send an array.")
    selection = selection_of(view, {"where": where})
    if not _says_something(where):
        raise InvalidParameter("where", "This means every row: name at least one condition.")
    return selection


def rows_where(view: Any, preferences: Preferences) -> list[Any]:
    """Return the rows that ``?where=`` is about, locked.

    Raises InvalidParameter without an explicit condition or without ``max_affected``, and Refused when more
    rows than that meet the condition.
    """
    selection = _selected(view)
    most = preferences.max_affected
    if most is None:
        raise InvalidParameter(
            "max_affected", "Say how many rows may change at most: ?max_affected=, or Prefer: max-affected=."
        )
    # A condition on related rows may meet a row several times, and DISTINCT rows cannot be locked.
    keys = view.get_queryset().filter(selection.where).order_by().values("pk")
    with searching(selection):
        rows = list(lock_rows(view, pk__in=keys)[: most + 1])
    if len(rows) > most:
        raise Refused(
            Problem(
                409,
                "too-many-affected",
                f"More than {most} rows meet the condition; nothing was written.",
                details={"max_affected": most},
            )
        )
    return rows
