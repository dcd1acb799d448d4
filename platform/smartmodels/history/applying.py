"""Carry out a plan: lock, look again, write, all in one transaction and one operation."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from smartmodels.context import operation, require_operation
from smartmodels.exceptions import ParentDeleted, ProtectedRows, RestoreConflict, RevertConflict
from smartmodels.history.conditions import unique_groups
from smartmodels.history.conflicts import gather, judged
from smartmodels.history.planning import Rules
from smartmodels.history.plans import Conflict, RevertPlan, RowPlan, Strategy
from smartmodels.history.resolving import FORCEABLE, resolve
from smartmodels.history.rewriting import copy_columns, cut_links, insert_rows, tie_links
from smartmodels.history.touched import chunks, newest_versions
from smartmodels.history.tracking import in_depth_order, tracked_links

__all__ = ["Reverted", "apply_revert"]

Progress = Callable[[str, int], None]

_TOLD = 5


@dataclass(frozen=True, slots=True)
class Reverted:
    """What a revert did: its operation, by which it can be reverted, and the plan as it was carried out."""

    operation_id: uuid.UUID | None
    plan: RevertPlan


def _refuse(rows: Iterable[RowPlan], message: str = "") -> None:
    found = [(row, conflict) for row in rows for conflict in row.conflicts]
    sentences = dict.fromkeys(conflict.message for _, conflict in found)
    told = " ".join(list(sentences)[:_TOLD]) + (" ..." if len(sentences) > _TOLD else "")
    raise RevertConflict(
        message or told,
        conflicts=[(conflict.field, conflict.code, conflict.message) for _, conflict in found],
        rows=[
            {"model": row.model._meta.label_lower, "key": str(row.pk), "code": conflict.code}
            for row, conflict in found
        ],
    )


def apply_revert(
    plan: RevertPlan,
    *,
    strategy: Strategy | None = None,
    reason: str | None = None,
    progress: Progress | None = None,
) -> Reverted:
    """Apply a plan as an operation of its own, itself revertible; say what was done.

    A plan with conflicts needs a ``strategy`` (see :func:`resolve`), unless it was resolved already.
    ``progress`` is called with each kind of step and its number of rows. Raises RevertConflict, with all
    conflicts in its details, for those that are left and for rows that changed since the plan was made.
    Then nothing has changed.
    """
    settled = plan if strategy is None else resolve(plan, strategy)
    if settled.conflicts:
        _refuse(settled.rows)
    if settled.is_noop:
        return Reverted(None, settled)
    try:
        with (
            transaction.atomic(),
            operation(id=uuid7(), action="revert", reason=reason, reverted_from=plan.version) as opened,
        ):
            _Application(settled, progress or (lambda *_: None)).run()
    except IntegrityError as error:
        raise RevertConflict(
            "Another row has taken a value that must be unique, or what a row points at is gone: "
            "make the plan again to see which.",
            conflicts=[],
        ) from error
    except (ParentDeleted, ProtectedRows, RestoreConflict) as error:
        raise RevertConflict(error.message, conflicts=[], **error.details) from error
    return Reverted(opened.id, settled)


class _Application:
    def __init__(self, plan: RevertPlan, progress: Progress) -> None:
        self.plan, self.progress = plan, progress
        self.models = list(dict.fromkeys(row.model for row in plan.rows))

    def run(self) -> None:
        """Apply every row of the plan; raise, in the transaction that is open, what stands in the way."""
        self._lock()
        self._look_again()
        parked = self._park()
        # Nothing living may point at what is deleted, so what is pointed at comes first. What is deleted may
        # hold values that others have by now, so it gets its own before it comes back.
        for model in self.models:
            self._update(model, self._rows(model, "restore"))
            self._restore(model)
            self._insert(model)
        for model in self.models:
            staying = self._rows(model, "update")
            self._update(model, staying, own_keys=False)
            self._unpark([row for row in parked if row.model is model])
            # Only now is everything there that rows of the model may point at among themselves.
            self._update(model, staying, own_keys=True)
        for model in self.models:
            self._link(model)
        for model in reversed(self.models):
            self._delete(model, {row.pk for row in parked if row.model is model})
        # As with what comes back: others may hold by now what a deleted row is to have.
        for model in self.models:
            self._update(model, self._rows(model, "delete"))

    def _rows(self, model: Any, *steps: str) -> list[RowPlan]:
        return [row for row in self.plan.rows if row.model is model and row.step in steps]

    # Nothing may change under us

    def _lock(self) -> None:
        """Lock the rows and what they will point at, parents first and in the order of their keys."""
        wanted: dict[Any, set[Any]] = {model: set() for model in self.models}
        for row in self.plan.rows:
            wanted[row.model].add(row.pk)
        for model, keys in _in_locking_order(wanted, self.plan.facts.targets):
            for part in chunks(sorted(keys, key=str)):
                rows = model.all_objects.filter(pk__in=part).order_by("pk")
                own = wanted.get(model, set()) & set(part)
                # What is only pointed at may still get children from others.
                list(rows.select_for_update(no_key=not own).values_list("pk", flat=True))

    def _look_again(self) -> None:
        """Refuse rows that changed since the plan was made, and conflicts that came up since."""
        changed = []
        for model in self.models:
            rows = self._rows(model, "insert", "restore", "update", "delete")
            newest = newest_versions(model, [row.pk for row in rows])
            changed += [row for row in rows if newest.get(row.pk) != row.base]
        if changed:
            message = "The row has changed since the preview was made: look at the preview again."
            _refuse(replace(row, conflicts=(Conflict(None, "changed-since", message),)) for row in changed)
        forced = FORCEABLE if self.plan.strategy == "force" else frozenset({"excluded-fields"})
        rows = [replace(row, own=()) for row in self.plan.rows]
        facts = gather(rows, Rules())
        if self.plan.strategy == "force" and facts.cascades:
            message = "Something was added since the preview was made: look at the preview again."
            _refuse(facts.cascades, message)
        against = [
            replace(row, conflicts=tuple(each for each in row.conflicts if each.code not in forced))
            for row in judged(rows, facts)
        ]
        if any(row.conflicts for row in against):
            _refuse(against)

    # Values that change places

    def _park(self) -> list[RowPlan]:
        """Set aside the rows that hold what another row of the plan is to have; return them.

        A unique index looks at every row of a statement for itself, so two rows cannot change places.
        """
        parked: dict[tuple[Any, Any], RowPlan] = {}
        for model in self.models:
            names = {field.name: field.attname for field in model._meta.concrete_fields}
            rows = [row for row in self.plan.rows if row.model is model]
            for group in unique_groups(model):
                held = {
                    group.values(row.now.values, names): row for row in rows if row.now.existence == "living"
                }
                for row in rows:
                    holder = held.get(group.values(row.final, names)) if row.step != "delete" else None
                    if holder is not None and holder is not row and group.values(row.final, names):
                        parked[holder.place] = holder
        opened = require_operation()
        for model, found in _grouped(parked.values()).items():
            for last, keys in _halves(found):
                values = {"deleted_at": timezone.now(), "deleted_in": opened.id}
                more = model.values_on_delete(opened) if last else {}
                model.all_objects.filter(pk__in=keys).update(**values, **more)
        return list(parked.values())

    def _unpark(self, parked: list[RowPlan]) -> None:
        for model, found in _grouped(parked).items():
            keys = [row.pk for row in found if row.step != "delete"]
            if keys:
                model.all_objects.filter(pk__in=keys).update(deleted_at=None, deleted_in=None)

    # Writing

    def _insert(self, model: Any) -> None:
        if rows := self._rows(model, "insert"):
            insert_rows(model, rows)
            self.progress("insert", len(rows))

    def _restore(self, model: Any) -> None:
        rows = self._rows(model, "restore")
        along = [row.pk for row in rows if row.along]
        alone = [row.pk for row in rows if not row.along]
        if along:
            model.all_objects.filter(pk__in=along).undelete()
        values = {"deleted_at": None, "deleted_in": None, **model.values_on_restore(require_operation())}
        for part in chunks(alone):
            model.all_objects.filter(pk__in=part).update(**values)
        if rows:
            self.progress("restore", len(rows))

    def _update(self, model: Any, rows: list[RowPlan], *, own_keys: bool | None = None) -> None:
        """Copy what changes, one statement for each set of columns that are taken from the same version.

        ``own_keys`` chooses between keys to rows of the same model and all other columns.
        """
        own = _keys_to_itself(model)
        statements: dict[frozenset[str], list[tuple[Any, int]]] = defaultdict(list)
        for row in rows:
            by_version: dict[int, set[str]] = defaultdict(set)
            for column, number in row.sources.items():
                if own_keys is None or (column in own) is own_keys:
                    by_version[number].add(column)
            for number, names in by_version.items():
                statements[frozenset(names)].append((row.pk, number))
        for columns, numbered in sorted(statements.items(), key=lambda each: sorted(each[0])):
            copy_columns(model, columns, sorted(numbered, key=lambda each: str(each[0])))
            self.progress("update", len(numbered))

    def _link(self, model: Any) -> None:
        for link in tracked_links(model):
            added, removed = [], []
            for row in self.plan.rows:
                if row.model is model and link.name in row.links:
                    more, less = row.links[link.name]
                    added += [(row.pk, key) for key in more]
                    removed += [(row.pk, key) for key in less]
            if removed:
                cut_links(model, link, removed)
            if added:
                tie_links(model, link, added)

    def _delete(self, model: Any, parked: set[Any]) -> None:
        keys = [row.pk for row in self._rows(model, "delete") if row.pk not in parked]
        for part in chunks(keys):
            model.all_objects.filter(pk__in=part).delete()
        if keys:
            self.progress("delete", len(keys))


def _keys_to_itself(model: Any) -> set[str]:
    """Return the columns by which rows of a model point at rows of the same model."""
    keys = [field for field in model._meta.concrete_fields if field.remote_field is not None]
    return {
        name
        for field in keys
        if field.remote_field.model._meta.concrete_model is model
        for name in (field.column, field.attname, field.name)
    }


def _grouped(rows: Iterable[RowPlan]) -> dict[Any, list[RowPlan]]:
    found: dict[Any, list[RowPlan]] = defaultdict(list)
    for row in rows:
        found[row.model].append(row)
    return found


def _halves(rows: list[RowPlan]) -> list[tuple[bool, list[Any]]]:
    """Return the keys of rows that are set aside for good, and of those that come back."""
    parts = [
        (True, [row.pk for row in rows if row.step == "delete"]),
        (False, [row.pk for row in rows if row.step != "delete"]),
    ]
    return [(last, keys) for last, keys in parts if keys]


def _in_locking_order(
    wanted: Mapping[Any, set[Any]], targets: Mapping[Any, Any]
) -> list[tuple[Any, set[Any]]]:
    keys: dict[Any, set[Any]] = defaultdict(set)
    for model, pk in targets:
        if hasattr(model, "all_objects"):
            keys[model].add(pk)
    for model, own in wanted.items():
        keys[model] |= own
    order = {model: place for place, model in enumerate(in_depth_order(keys))}
    return sorted(keys.items(), key=lambda each: (order.get(each[0], -1), each[0]._meta.label))
