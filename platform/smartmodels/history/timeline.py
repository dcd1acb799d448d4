"""Read history: the versions of a row and what changed between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.db import models

from smartmodels.exceptions import RowNotFound
from smartmodels.history.records import history_model

__all__ = ["FieldChange", "diff", "revertible_fields", "timeline", "version_of", "with_changes"]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs: its name, its label for people, the value before and after."""

    field: str
    label: str
    old: Any
    new: Any


def revertible_fields(model: type[models.Model]) -> list[Any]:
    """Return the fields that a revert may write: tracked ones that people may edit, not the smart fields."""
    return [
        field for field in history_model(model).tracked_fields if field.editable and not field.primary_key
    ]


def timeline(model: type[models.Model], pk: Any) -> models.QuerySet[Any]:
    """Return the history rows of one row, newest first; deleted and purged rows have one, too."""
    rows: models.QuerySet[Any] = model.history.filter(**{model._meta.pk.attname: pk})  # type: ignore[attr-defined]
    return rows.order_by("-history_date", "-history_id")


def version_of(model: type[models.Model], pk: Any, version: Any) -> Any:
    """Return one version of a row by its number (``history_id``); raise RowNotFound.

    The number must belong to this very row: another row's version is not found.
    """
    try:
        found = timeline(model, pk).filter(history_id=int(version)).first()
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None:
        raise RowNotFound(f"This {model._meta.verbose_name} has no version {str(version)[:40]!r}.")
    return found


def diff(newer: Any, older: Any | None) -> list[FieldChange]:
    """Return what changed from the version ``older`` to ``newer``, in the order of the model's fields.

    Without an older version there is nothing to compare with, and the list is empty.
    """
    if older is None:
        return []
    model = newer.instance_type
    by_field = {change.field: change for change in newer.diff_against(older).changes}
    changes = [
        FieldChange(field.name, str(field.verbose_name), by_field[field.name].old, by_field[field.name].new)
        for field in model._meta.concrete_fields
        if field.name in by_field
    ]
    if older.owner_id != newer.owner_id:
        changes.append(FieldChange("owner", "owner", older.owner_id, newer.owner_id))
    return changes


def with_changes(versions: list[Any]) -> list[tuple[Any, list[FieldChange]]]:
    """Pair each version with what it changed against the next older one in ``versions`` (newest first).

    The oldest of the list is paired with nothing, so ask for one version more than is shown.
    """
    pairs = [(newer, diff(newer, older)) for newer, older in pairwise(versions)]
    return [*pairs, *((oldest, []) for oldest in versions[-1:])]
