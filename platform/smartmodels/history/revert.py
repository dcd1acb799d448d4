"""Bring a row back to an earlier version: plan first, then apply (DESIGN H4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from smartmodels.context import operation
from smartmodels.exceptions import RevertConflict, RowNotFound
from smartmodels.history.timeline import FieldChange, revertible_fields, timeline, version_of

__all__ = ["Conflict", "RevertPlan", "apply_revert", "plan_revert"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why a revert cannot be applied: the field it concerns (or None), a code and a sentence."""

    field: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RevertPlan:
    """What reverting a row to ``version`` would do; nothing has been written yet.

    ``base`` is the number of the row's newest version when the plan was made: applying the plan to a
    row that changed since is refused. ``restores`` says that the row is deleted and would come back.
    """

    model: type[models.Model]
    pk: Any
    version: int
    base: int
    changes: tuple[FieldChange, ...]
    conflicts: tuple[Conflict, ...]
    restores: bool

    @property
    def is_noop(self) -> bool:
        """Tell whether the row is already as the version says."""
        return not self.changes and not self.restores


def _current(model: type[models.Model], pk: Any, *, lock: bool) -> Any:
    rows = model.all_objects.filter(pk=pk)  # type: ignore[attr-defined]
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise RowNotFound(f"This {model._meta.verbose_name} was purged: only its history is left.")
    return row


def _newest(model: type[models.Model], pk: Any) -> int:
    number: int = timeline(model, pk).values_list("history_id", flat=True)[0]
    return number


def _with_values(row: Any, version: Any) -> Any:
    for field in revertible_fields(type(row)):
        setattr(row, field.attname, getattr(version, field.attname))
    return row


def _gone_targets(row: Any, changed: set[str]) -> list[Conflict]:
    """Find foreign keys of the version whose target does not exist, or is deleted, by now."""
    conflicts = []
    for field in revertible_fields(type(row)):
        if field.name not in changed or not field.is_relation or getattr(row, field.attname) is None:
            continue
        target = field.remote_field.model
        if not target._default_manager.filter(pk=getattr(row, field.attname)).exists():
            message = f"The {target._meta.verbose_name} it belonged to is deleted: restore that first."
            conflicts.append(Conflict(field.name, "target-gone", message))
    return conflicts


def _invalid_values(row: Any, changed: set[str]) -> list[Conflict]:
    """Run the model's own validation on the values to come, and its uniqueness on the whole row."""
    unchanged = {field.name for field in row._meta.concrete_fields} - changed
    found: list[Conflict] = []
    for check in (lambda: row.clean_fields(exclude=unchanged), row.validate_unique, row.validate_constraints):
        try:
            check()
        except ValidationError as error:
            found += [
                Conflict(None if name == "__all__" else name, "invalid", " ".join(messages))
                for name, messages in error.message_dict.items()
            ]
    return found


def plan_revert(row: models.Model, version: Any) -> RevertPlan:
    """Plan to bring ``row`` back to ``version`` (a history row or its number), writing nothing.

    Owner, author and times stay as they are; so do fields that history does not track. Raises
    RowNotFound for a version of another row, and for a row that was purged.
    """
    model, pk = type(row), row.pk
    number = getattr(version, "history_id", version)
    target = version_of(model, pk, number)
    current = _current(model, pk, lock=False)
    base = _newest(model, pk)
    changes = tuple(
        FieldChange(field.name, str(field.verbose_name), getattr(current, field.attname), wanted)
        for field in revertible_fields(model)
        if (wanted := getattr(target, field.attname)) != getattr(current, field.attname)
    )
    conflicts: list[Conflict] = []
    if target.deleted_at is not None:
        message = "That version is a deletion: delete the row instead, or choose the version before."
        conflicts.append(Conflict(None, "deletion", message))
    restores = current.deleted_at is not None and target.deleted_at is None
    becoming = _with_values(current, target)
    if restores:
        # So that what must be unique among the living is checked as it will be.
        becoming.deleted_at = None
    changed = {change.field for change in changes}
    gone = _gone_targets(becoming, changed)
    conflicts += gone
    conflicts += _invalid_values(becoming, changed - {str(conflict.field) for conflict in gone})
    return RevertPlan(model, pk, target.history_id, base, changes, tuple(conflicts), restores)


def apply_revert(plan: RevertPlan, *, reason: str | None = None) -> Any:
    """Apply a plan as an operation of its own, itself revertible; return the row.

    Raises RevertConflict, with the conflicts in its details, when the plan has any or when the row
    changed since it was made. Then nothing has changed.
    """
    if plan.conflicts:
        raise RevertConflict(
            " ".join(conflict.message for conflict in plan.conflicts),
            conflicts=[(conflict.field, conflict.code, conflict.message) for conflict in plan.conflicts],
        )
    try:
        with transaction.atomic(), operation(action="revert", reason=reason, reverted_from=plan.version):
            return _apply(plan)
    except IntegrityError as error:
        raise RevertConflict(
            "Another row has taken a value that must be unique: make the plan again to see which.",
            conflicts=[],
        ) from error


def _apply(plan: RevertPlan) -> Any:
    row = _current(plan.model, plan.pk, lock=True)
    if _newest(plan.model, plan.pk) != plan.base:
        raise RevertConflict(
            "The row has changed since the preview was made: look at the preview again.",
            conflicts=[(None, "changed-since", "changed since the preview")],
        )
    if plan.restores:
        row.undelete()
    if plan.changes:
        _with_values(row, version_of(plan.model, plan.pk, plan.version))
        row.save(update_fields=[change.field for change in plan.changes])
    return row
