"""How values of fields are shown to people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import display_for_field
from django.db import models
from django.utils.html import format_html

from smartmodels.history import FieldChange
from smartmodels.showing.naming import Names

__all__ = ["ShownChange", "in_words", "person", "shown", "want_names", "worth_telling"]

_NOTHING = format_html('<span class="quiet">{}</span>', "none")
_EMPTY = format_html('<span class="quiet">{}</span>', "empty")


_STATES = frozenset({"soft_delete", "restore", "purge"})
"""Actions whose word says already what became of the row."""


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


def _columns(model: type[models.Model]) -> dict[str, Any]:
    return {field.name: field for field in (*model._meta.concrete_fields, *model._meta.many_to_many)}


def _keys(field: Any, change: FieldChange) -> set[Any]:
    """Return the keys of rows that a change names."""
    if field.many_to_many:
        return {*(change.old or ()), *(change.new or ())}
    return {change.old, change.new} - {None}


def want_names(names: Names, model: type[models.Model], changes: Iterable[FieldChange]) -> None:
    """Say which rows the changes name, so that they are read together."""
    columns = _columns(model)
    for change in changes:
        field = columns.get(change.field)
        if field is not None and field.is_relation:
            names.want(field.remote_field.model, _keys(field, change))


def in_words(field: Any, value: Any, names: Names) -> Any:
    """Return a value of ``field`` as people read it; keys, of a link many of them, by their rows' names."""
    if field.many_to_many:
        model = field.remote_field.model
        return ", ".join(sorted(names.of(model, key) for key in value or ())) or _NOTHING
    if value is None:
        return _NOTHING
    if value == "":
        return _EMPTY
    if field.is_relation:
        return names.of(field.remote_field.model, value)
    return display_for_field(value, field, "")


def shown(
    model: type[models.Model], changes: Iterable[FieldChange], names: Names | None = None
) -> list[ShownChange]:
    """Return the changes with readable values: one query per model that they point at.

    None with ``names`` that were wanted before, for many rows together.
    """
    listed, columns, known = list(changes), _columns(model), names or Names()
    want_names(known, model, listed)
    found = []
    for change in listed:
        field = columns.get(change.field)
        # The state of a row (living, deleted, purged) is no field.
        old, new = (
            value if field is None else in_words(field, value, known) for value in (change.old, change.new)
        )
        label = change.label[:1].upper() + change.label[1:]
        found.append(ShownChange(change.field, label, old, new, change.old != change.new))
    return found


def worth_telling(version: Any, changes: Iterable[FieldChange]) -> list[FieldChange]:
    """Return the changes that the word for the version's action does not say already."""
    changes = list(changes)
    """Return the changes that the word for the version does not say already."""
    fields = {change.field for change in changes}
    # A row changes hands when it is deleted, and back when it is restored.
    silent = {"owner"} if "state" in fields else set()
    if version.action in _STATES:
        silent.add("state")
    return [change for change in changes if change.field not in silent]
