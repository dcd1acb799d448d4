"""What was done in a namespace: operations, newest first, and what each of them changed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import CharField, Count, Max, Min, Q, Value

from smartmodels.history.plans import FieldChange
from smartmodels.history.records import history_model
from smartmodels.history.resolving import in_order
from smartmodels.history.selecting import Selection
from smartmodels.history.states import RowState, plain, same
from smartmodels.history.touched import ROWS_MAX, Touched, read_touched
from smartmodels.history.tracking import revertible_fields, tracked_links, tracked_models

__all__ = ["OperationSummary", "RowChange", "Wanted", "changes_of", "list_operations"]


@dataclass(slots=True)
class OperationSummary:
    """One operation: who, when, why, and how many rows of each model it touched (by label).

    ``began`` and ``ended`` are the times of its first and last version.
    """

    id: uuid.UUID
    began: datetime
    ended: datetime
    actor_kind: str | None
    actor_label: str | None
    user_id: uuid.UUID | None
    reason: str | None
    via: str | None
    actions: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return how many rows were touched."""
        return sum(self.rows.values())


@dataclass(frozen=True, slots=True)
class RowChange:
    """What a selection of versions did to one row on balance: ``before`` and ``after`` are states of life."""

    model: Any
    pk: Any
    before: str
    after: str
    changes: tuple[FieldChange, ...]
    state: RowState

    @property
    def kind(self) -> str:
        """Return what happened in one word."""
        words = {
            ("absent", "living"): "created",
            ("deleted", "living"): "restored",
            ("living", "deleted"): "deleted",
            ("living", "absent"): "purged",
            ("deleted", "absent"): "purged",
        }
        return words.get((self.before, self.after), "updated")

    @property
    def row(self) -> Any:
        """Return the row as the selection left it; saving it is not meant."""
        columns = {column.attname: column for column in self.model._meta.concrete_fields}
        return self.model(**{name: plain(columns[name], value) for name, value in self.state.values.items()})

    @property
    def label(self) -> str:
        """Return the row in the words of its model."""
        return str(self.row)


def _grouped(model: Any, condition: Q, most: int) -> Any:
    versions = history_model(model).objects.filter(condition, operation_id__isnull=False).order_by()
    # Keys of operations are in the order of time, and there is an index on them: the newest are at its end.
    return (
        versions.values("operation_id")
        .annotate(
            label=Value(model._meta.label_lower, output_field=CharField()),
            began=Min("history_date"),
            ended=Max("history_date"),
            kind=Min("actor_kind"),
            who=Min("actor_label"),
            users=ArrayAgg("history_user_id", distinct=True),
            why=Min("history_change_reason"),
            through=Min("via_namespace"),
            did=ArrayAgg("action", distinct=True),
            touched=Count(model._meta.pk.attname, distinct=True),
        )
        .order_by("-operation_id")[:most]
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which operations are wanted: of a user, from ``since`` on, before ``until``."""

    user_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def condition(self) -> Q:
        """Return the condition on versions."""
        condition = Q()
        if self.user_id is not None:
            condition &= Q(history_user_id=self.user_id)
        if self.since is not None:
            condition &= Q(history_date__gte=self.since)
        if self.until is not None:
            condition &= Q(history_date__lt=self.until)
        return condition


def list_operations(
    wanted: Wanted | None = None, *, limit: int, offset: int = 0, models: Iterable[Any] | None = None
) -> list[OperationSummary]:
    """Return operations that changed rows of the bound namespace, newest first, in one query.

    ``models`` are by default all that are tracked. In private mode only what was done to rows that the
    actor may see counts.
    """
    condition = (wanted or Wanted()).condition
    chosen = tracked_models() if models is None else tuple(models)
    if not chosen:
        return []
    first, *others = [_grouped(model, condition, offset + limit) for model in chosen]
    found: dict[Any, OperationSummary] = {}
    # Each gives its newest; whatever order the model has otherwise is not for groups. One alone is no union.
    for row in first.union(*others, all=True).order_by() if others else first:
        _count_in(found, row)
    newest = sorted(found.values(), key=lambda each: each.id.int, reverse=True)
    return newest[offset : offset + limit]


def _count_in(found: dict[Any, OperationSummary], row: dict[str, Any]) -> None:
    summary = found.get(row["operation_id"])
    if summary is None:
        summary = found[row["operation_id"]] = OperationSummary(
            row["operation_id"], row["began"], row["ended"], row["kind"], row["who"],
            next((user for user in row["users"] if user is not None), None), row["why"], row["through"],
        )  # fmt: skip
    summary.began = min(summary.began, row["began"])
    summary.ended = max(summary.ended, row["ended"])
    summary.reason = summary.reason or row["why"]
    summary.actions |= set(row["did"])
    summary.rows[row["label"]] = row["touched"]


def changes_of(selection: Selection, models: Iterable[Any] | None = None) -> list[RowChange]:
    """Return what a selection of versions did, row by row, parents first: no more than a plan may hold."""
    room, found = ROWS_MAX, list[Touched]()
    for model in selection.models if models is None else models:
        touched = read_touched(model, selection, room)
        room -= len(touched)
        found += touched
    return [_change(each) for each in in_order(found)]


def _change(touched: Touched) -> RowChange:
    delta, left = touched.delta, touched.left
    before = left.existence if delta.existence is None else delta.existence[0].existence
    changes = []
    if before not in (left.existence, "absent"):
        changes.append(FieldChange("state", "state", before, left.existence))
    for column in revertible_fields(touched.model):
        if column.attname in delta.fields:
            old, _, new = delta.fields[column.attname]
        elif before == "absent":
            old, new = None, left.values[column.attname]
        else:
            continue
        if not same(old, new) and (before != "absent" or new not in (None, "")):
            pair = (plain(column, value) for value in (old, new))
            changes.append(FieldChange(column.name, str(column.verbose_name), *pair))
    changes += _link_changes(touched)
    return RowChange(touched.model, touched.pk, before, left.existence, tuple(changes), left)


def _link_changes(touched: Touched) -> list[FieldChange]:
    changes = []
    for link in tracked_links(touched.model):
        after = touched.left.links.get(link.name, frozenset())
        before = set(after)
        for (name, key), (linked, _) in touched.delta.links.items():
            if name == link.name:
                (before.add if linked else before.discard)(key)
        if touched.delta.existence is not None and touched.delta.existence[0].existence == "absent":
            before = set()
        if before != after:
            old, new = (sorted(keys, key=str) for keys in (before, after))
            changes.append(FieldChange(link.name, link.label, old, new))
    return changes
