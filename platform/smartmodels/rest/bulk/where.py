"""Which rows an update or a deletion by ``where`` is about: those of a filter, if it is no empty one."""

from __future__ import annotations

from typing import Any

from smartmodels.rest.bulk.finding import lock_rows
from smartmodels.rest.bulk.preferences import Preferences
from smartmodels.rest.faults import InvalidParameter
from smartmodels.rest.filtering import Selection, given_in_query, searching, selection_of
from smartmodels.rest.problems import Problem, Refused

__all__ = ["rows_where"]


def _is_empty(where: Any) -> bool:
    """Tell whether a condition that was compiled, or one of those it is made of, says nothing of a row."""
    return not where or any(
        _is_empty(branch) for name, value in where.items() for branch in _within(name, value)
    )


def _within(name: str, value: Any) -> list[Any]:
    """Return the conditions that stand below a member of ``where``; brackets number those of a list."""
    if name in ("and", "or", "nor"):
        return list(value.values() if isinstance(value, dict) else value) or [{}]
    if name == "not":
        return [value]
    return [{}] if value == {} else []


def _selected(view: Any) -> Selection:
    """Return what ``?where=`` selects; raise InvalidFilter, and InvalidParameter for no condition at all."""
    where = given_in_query(view.request, "where")
    if where is None:
        raise InvalidParameter("where", "Say which rows are meant: ?where={...}, or send an array.")
    selection = selection_of(view, {"where": where})
    if _is_empty(where):
        raise InvalidParameter("where", "This may mean every row: let no condition in it be empty.")
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
