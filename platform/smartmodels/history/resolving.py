"""Three ways to settle conflicts: leave the row out, write over it, or write what is not in dispute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from smartmodels.exceptions import InvalidInput
from smartmodels.history.conflicts import judged
from smartmodels.history.plans import RevertPlan, RowPlan, Strategy
from smartmodels.history.tracking import in_depth_order

__all__ = ["FORCEABLE", "STRATEGIES", "in_order", "resolve"]

STRATEGIES: tuple[Strategy, ...] = ("skip", "force", "merge")

FORCEABLE = frozenset({"changed-since", "children-since", "excluded-fields", "invalid"})
"""Conflicts that ``force`` writes over; nothing writes over the others, such as ``forgotten``."""


def in_order(rows: Any) -> tuple[Any, ...]:
    """Return rows parents first, then in the order of their keys."""
    listed = list(rows)
    depth = {model: place for place, model in enumerate(in_depth_order({row.model for row in listed}))}
    return tuple(sorted(listed, key=lambda row: (depth[row.model], str(row.pk))))


def _skip(row: RowPlan) -> RowPlan | None:
    return None if row.conflicts else row


def _merge(row: RowPlan) -> RowPlan | None:
    """Return what of the row is not in dispute."""
    fields = {conflict.field for conflict in row.conflicts if conflict.code != "excluded-fields"}
    if not fields:
        return replace(row, own=())
    if None in fields or row.step == "delete":
        return None
    if row.step in ("insert", "restore") and not fields <= {change.field for change in row.changes}:
        return None
    if row.step == "insert" and fields & {field.name for field in row.model._meta.concrete_fields}:
        return None
    return _without(row, {str(name) for name in fields})


def _without(row: RowPlan, names: set[str]) -> RowPlan | None:
    """Return the row without the changes of some fields; None if nothing is left to do."""
    columns = {field.name: field.attname for field in row.model._meta.concrete_fields}
    dropped = {columns[name] for name in names & columns.keys()}
    kept = row.source or row.now
    final = {**row.final, **{name: kept.values[name] for name in dropped & row.columns}}
    slim = replace(
        row,
        changes=tuple(change for change in row.changes if change.field not in names),
        sources={name: source for name, source in row.sources.items() if name not in dropped},
        links={name: link for name, link in row.links.items() if name not in names},
        own=tuple(conflict for conflict in row.own if conflict.field not in names),
        final=final,
    )
    return slim if slim.changes or slim.step != "update" else None


def _settle(plan: RevertPlan, settle: Callable[[RowPlan], RowPlan | None]) -> RevertPlan:
    """Settle row by row until nothing is in dispute: what one row gives up, another may have needed."""
    rows, left = plan.rows, list[RowPlan]()
    while any(row.conflicts for row in rows):
        kept = []
        for row in rows:
            settled = settle(row) if row.conflicts else row
            if settled is None:
                left.append(row)
            else:
                kept.append(settled)
        rows = judged(kept, plan.facts)
    return replace(plan, rows=rows, left=(*plan.left, *left))


def _force(plan: RevertPlan) -> RevertPlan:
    """Write over what can be written over; what cannot stays a conflict."""
    rows = judged(in_order([*plan.rows, *plan.facts.cascades]), plan.facts)
    forced = (
        replace(row, conflicts=tuple(each for each in row.conflicts if each.code not in FORCEABLE))
        for row in rows
    )
    kept = tuple(row for row in forced if row.step != "update" or row.changes or row.conflicts)
    return replace(plan, rows=kept)


def resolve(plan: RevertPlan, strategy: Strategy) -> RevertPlan:
    """Return what remains of the plan when its conflicts are settled by a strategy.

    ``skip`` leaves out every row with a conflict; ``merge`` writes the fields that are not in dispute and
    keeps the others; ``force`` writes over what others changed since, and keeps every other conflict.
    Raises InvalidInput for a strategy that does not exist.
    """
    if strategy not in STRATEGIES:
        raise InvalidInput(
            f"There is no strategy {str(strategy)[:40]!r}: choose from {', '.join(STRATEGIES)}.",
            field="strategy",
        )
    settled = _force(plan) if strategy == "force" else _settle(plan, _skip if strategy == "skip" else _merge)
    return replace(settled, strategy=strategy)
