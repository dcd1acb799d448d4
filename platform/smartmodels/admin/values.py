"""How values of fields are shown to people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import display_for_field
from django.db import models
from django.utils.html import format_html

from smartmodels.history import FieldChange
from smartmodels.models import SmartModel

__all__ = ["ShownChange", "person", "shown"]

_NOTHING = format_html('<span class="quiet">{}</span>', "none")
_EMPTY = format_html('<span class="quiet">{}</span>', "empty")


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A field with its values ready to be shown; ``differs`` tells whether they are different ones."""

    field: str
    label: str
    old: Any
    new: Any
    differs: bool


def person(row: Any, field: str) -> str:
    """Name the user a field points at; an account that is gone has no name any more."""
    try:
        user = getattr(row, field)
    except row._meta.get_field(field).remote_field.model.DoesNotExist:
        return "an account that is gone"
    return "" if user is None else str(user)


def _names(field: Any, keys: set[Any]) -> dict[Any, str]:
    target = field.remote_field.model
    rows = target.all_objects if issubclass(target, SmartModel) else target._base_manager
    return {row.pk: str(row) for row in rows.filter(pk__in=keys)}


def _shown(field: Any, value: Any, names: dict[Any, str]) -> Any:
    if value is None:
        return _NOTHING
    if value == "":
        return _EMPTY
    if field.is_relation:
        return names.get(value, f"{value} (gone)")
    return display_for_field(value, field, "")


def shown(model: type[models.Model], changes: Iterable[FieldChange]) -> list[ShownChange]:
    """Return the changes with readable values: one query per foreign key among them."""
    found = []
    for change in changes:
        field: Any = model._meta.get_field(change.field)
        keys = {value for value in (change.old, change.new) if value is not None}
        names = _names(field, keys) if field.is_relation and keys else {}
        old, new = (_shown(field, value, names) for value in (change.old, change.new))
        label = change.label[:1].upper() + change.label[1:]
        found.append(ShownChange(change.field, label, old, new, change.old != change.new))
    return found
