"""Undo changes: of a row since a version, of an operation, of a user, or since a mark (DESIGN H4).

Plan first, which writes nothing and says what speaks against it; then apply.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import models

from smartmodels.exceptions import InvalidInput, OperationUnknown
from smartmodels.history.applying import Reverted, apply_revert
from smartmodels.history.conflicts import gather, judged
from smartmodels.history.layouts import columns_unknown
from smartmodels.history.marks import find_mark
from smartmodels.history.planning import May, Rules, Writable, plan_row
from smartmodels.history.plans import Conflict, RevertPlan, RowPlan
from smartmodels.history.resolving import in_order, resolve
from smartmodels.history.selecting import AfterVersion, ByUser, InOperation, Selection, SinceMoment
from smartmodels.history.timeline import version_of
from smartmodels.history.touched import ROWS_MAX, Touched, read_touched

__all__ = [
    "Reverted",
    "apply_revert",
    "plan_revert",
    "plan_revert_mark",
    "plan_revert_operation",
    "plan_revert_user",
    "plan_selection",
    "resolve",
]


def plan_selection(
    selection: Selection, *, may: May | None = None, writable: Writable | None = None
) -> RevertPlan:
    """Plan to undo what a selection of versions did, writing nothing.

    Each field is compared three ways: what it was before, what the selection left, what it is now. One
    that others changed since is a conflict, as is everything else that speaks against it.
    ``may(model, row)`` tells whether the caller may change a row (a deleted or purged one included),
    ``writable(model)`` which fields; other fields are left alone. Owner, author and times always are,
    except those of a purged row, which comes back with what it had.

    Raises InvalidInput when more than ``ROWS_MAX`` rows were touched.
    """
    rules, planned, room = Rules(may, writable), list[RowPlan](), ROWS_MAX
    for model in selection.models:
        touched = read_touched(model, selection, room)
        room -= len(touched)
        planned += _rows_of(model, touched, rules)
    rows = in_order(planned)
    facts = gather(list(rows), rules)
    return RevertPlan(selection.title, judged(rows, facts), facts)


def _rows_of(model: Any, touched: list[Touched], rules: Rules) -> list[RowPlan]:
    unknown = columns_unknown(model, (state for each in touched for state in each.earlier))
    found = []
    for each in touched:
        missing = frozenset[str]().union(*(unknown.get(state.segment, frozenset()) for state in each.earlier))
        row = plan_row(each, rules, missing)
        if row is not None:
            found.append(row)
    return found


def plan_revert(
    row: models.Model, version: Any, *, may: May | None = None, writable: Writable | None = None
) -> RevertPlan:
    """Plan to bring ``row`` back to ``version`` (a history row or its number), writing nothing.

    A deleted row comes back together with what its deletion took along. Raises RowNotFound for a version
    of another row.
    """
    model: Any = type(row)._meta.concrete_model
    target = version_of(model, row.pk, getattr(version, "history_id", version))
    selection = AfterVersion(model, row.pk, target.history_id)
    plan = replace(plan_selection(selection, may=may, writable=writable), version=target.history_id)
    rows = tuple(replace(each, along=each.step == "restore") for each in plan.rows)
    if target.deleted_at is not None:
        message = "That version is a deletion: delete the row instead, or choose the version before."
        rows = tuple(
            replace(each, own=(*each.own, refused), conflicts=(*each.conflicts, refused))
            for each in rows
            for refused in [Conflict(None, "deletion", message)]
        )
    return replace(plan, rows=rows)


def _key(value: Any, what: str) -> uuid.UUID:
    try:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))
    except ValueError as error:
        raise InvalidInput(f"{str(value)[:60]!r} is no key of {what}.", field="id") from error


def plan_revert_operation(
    operation_id: Any, *, may: May | None = None, writable: Writable | None = None
) -> RevertPlan:
    """Plan to undo everything that an operation changed in the bound namespace.

    Raises OperationUnknown for one that changed nothing here.
    """
    selection = InOperation(_key(operation_id, "an operation"))
    plan = plan_selection(selection, may=may, writable=writable)
    if plan.is_noop and not operation_exists(selection):
        raise OperationUnknown(f"No operation {selection.id} changed anything here.")
    return plan


def operation_exists(selection: InOperation) -> bool:
    """Tell whether the operation left any version in the bound namespace."""
    return any(model.history.filter(selection.condition).exists() for model in selection.models)  # type: ignore[attr-defined]


def plan_revert_user(
    user_id: Any,
    since: datetime,
    until: datetime | None = None,
    *,
    may: May | None = None,
    writable: Writable | None = None,
) -> RevertPlan:
    """Plan to undo what a user did from ``since`` on and before ``until`` (None: up to now)."""
    return plan_selection(ByUser(_key(user_id, "a user"), since, until), may=may, writable=writable)


def plan_revert_mark(mark: Any, *, may: May | None = None, writable: Writable | None = None) -> RevertPlan:
    """Plan to bring the bound namespace back to a mark (or its name); raises MarkUnknown."""
    found = find_mark(mark) if isinstance(mark, str) else mark
    return plan_selection(SinceMoment(found.at, f"mark {found.name!r}"), may=may, writable=writable)
