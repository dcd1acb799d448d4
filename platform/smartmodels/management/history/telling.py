"""Versions, operations and plans as a person at the keyboard reads them, and as programs do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from smartmodels.history import FieldChange, OperationSummary, RevertPlan, RowPlan
from smartmodels.management.output import table

__all__ = [
    "change_as_data",
    "changes_as_text",
    "operation_as_data",
    "operations_as_text",
    "plan_as_data",
    "plan_as_text",
    "said",
    "when",
]

_WIDEST = 60
_ROWS_SHOWN = 200
STEPS = {
    "insert": "insert again",
    "restore": "restore",
    "update": "change",
    "delete": "delete",
}


def said(value: Any) -> str:
    """Return a value on one line, cut where it is long."""
    if value is None:
        return "none"
    if isinstance(value, (list, tuple, set, frozenset)):
        text = ", ".join(map(str, value)) or "none"
    else:
        text = str(value)
    line = " ".join(text.split()) or "empty"
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 3]}..."


def when(moment: datetime) -> str:
    """Return a time to the second, in UTC unless the project says otherwise."""
    return moment.isoformat(sep=" ", timespec="seconds")


def change_as_data(change: FieldChange) -> dict[str, Any]:
    """Return a change as a program reads it."""
    values = [str(value) if hasattr(value, "storage") else value for value in (change.old, change.new)]
    return {"field": change.field, "old": values[0], "new": values[1]}


def changes_as_text(changes: Iterable[FieldChange]) -> str:
    """Return one line per change: its field, old -> new."""
    return "\n".join(f"  {change.field}: {said(change.old)} -> {said(change.new)}" for change in changes)


def operation_as_data(summary: OperationSummary) -> dict[str, Any]:
    """Return an operation as a program reads it."""
    return {
        "id": summary.id,
        "began": summary.began,
        "ended": summary.ended,
        "actor": {"kind": summary.actor_kind, "label": summary.actor_label, "user": summary.user_id},
        "reason": summary.reason,
        "via": summary.via,
        "actions": sorted(summary.actions),
        "rows": summary.rows,
    }


def operations_as_text(summaries: list[OperationSummary]) -> str:
    """Return a table of operations."""
    headers = ("OPERATION", "WHEN", "WHO", "WHAT", "ROWS", "REASON")
    cells = [
        (
            str(each.id),
            when(each.began),
            said(each.actor_label or ""),
            ", ".join(sorted(each.actions)),
            ", ".join(f"{count} {label}" for label, count in sorted(each.rows.items())),
            said(each.reason) if each.reason else "-",
        )
        for each in summaries
    ]
    return table(headers, cells, {})


def _conflict_as_data(row: RowPlan) -> list[dict[str, Any]]:
    return [{"field": each.field, "code": each.code, "message": each.message} for each in row.conflicts]


def _row_as_data(row: RowPlan) -> dict[str, Any]:
    return {
        "model": row.model._meta.label_lower,
        "key": row.pk,
        "label": row.label,
        "step": row.step,
        "changes": [change_as_data(change) for change in row.changes],
        "conflicts": _conflict_as_data(row),
        "notes": [note.message for note in row.notes],
    }


def plan_as_data(plan: RevertPlan) -> dict[str, Any]:
    """Return a plan as a program reads it."""
    return {
        "title": plan.title,
        "strategy": plan.strategy,
        "counts": plan.counts,
        "rows": [_row_as_data(row) for row in plan.rows],
        "left": [_row_as_data(row) for row in plan.left],
    }


def _row_as_text(row: RowPlan) -> str:
    lines = [f"{STEPS[row.step]} {row.model._meta.verbose_name} {said(row.label)} ({row.pk})"]
    if row.changes and row.step != "insert":
        lines.append(changes_as_text(row.changes))
    lines += [f"  ! {each.message} [{each.code}]" for each in row.conflicts]
    lines += [f"  note: {note.message}" for note in row.notes]
    return "\n".join(lines)


def counted(counts: Mapping[str, int]) -> str:
    """Return how many rows each step concerns, as in "change 2, delete 1"."""
    return ", ".join(f"{STEPS[step]} {counts[step]}" for step in STEPS if step in counts) or "nothing to do"


def plan_as_text(plan: RevertPlan) -> str:
    """Return a plan with old and new values; of a long one, the first rows."""
    lines = [f"Revert {plan.title}: {counted(plan.counts)}."]
    lines += [_row_as_text(row) for row in plan.rows[:_ROWS_SHOWN]]
    if (more := len(plan.rows) - _ROWS_SHOWN) > 0:
        lines.append(f"... and {more} rows more; --json shows all of them.")
    if plan.left:
        lines.append(f"Left out, because of conflicts: {len(plan.left)} rows.")
        lines += [_row_as_text(row) for row in plan.left[:_ROWS_SHOWN]]
    return "\n".join(lines)
