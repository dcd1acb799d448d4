"""What must be unique in a model, and whether a condition on a row holds, judged by its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Q, UniqueConstraint

__all__ = ["UniqueGroup", "holds", "unique_groups"]


@dataclass(frozen=True, slots=True)
class UniqueGroup:
    """Columns whose values no two rows share, among the rows for which ``condition`` holds."""

    name: str
    fields: tuple[str, ...]
    columns: tuple[str, ...]
    condition: Q | None
    message: str

    def values(self, values: Mapping[str, Any], names: Mapping[str, str]) -> tuple[Any, ...] | None:
        """Return what the row must not share with others; None if it may."""
        if self.condition is not None and holds(self.condition, values, names) is False:
            return None
        found = tuple(values.get(column) for column in self.columns)
        return None if None in found else found


@cache
def unique_groups(model: Any) -> tuple[UniqueGroup, ...]:
    """Return what must be unique in a model, save its key and what is unique as an expression."""
    options = model._meta
    found: list[UniqueGroup] = []

    def add(name: str, fields: tuple[str, ...], condition: Q | None, message: str = "") -> None:
        columns = tuple(options.get_field(each).attname for each in fields)
        labels = " and ".join(str(options.get_field(each).verbose_name) for each in fields)
        said = message or f"Another {options.verbose_name} has this {labels}."
        found.append(UniqueGroup(name, fields, columns, condition, said))

    for constraint in options.constraints:
        if isinstance(constraint, UniqueConstraint) and constraint.fields:
            message = str(constraint.violation_error_message)
            own = message != str(UniqueConstraint.default_violation_error_message)
            add(constraint.name, tuple(constraint.fields), constraint.condition, message if own else "")
    for fields in options.unique_together:
        add("_".join(fields), tuple(fields), None)
    for field in options.concrete_fields:
        if field.unique and not field.primary_key:
            add(field.name, (field.name,), None)
    return tuple(found)


_LOOKUPS = ("exact", "in", "isnull")


def _leaf(name: str, given: Any, values: Mapping[str, Any], names: Mapping[str, str]) -> bool | None:
    path, _, lookup = name.rpartition("__")
    if lookup not in _LOOKUPS or not path:
        path, lookup = name, "exact"
    column = names.get(path)
    if column is None or hasattr(given, "resolve_expression"):
        return None
    value = values.get(column)
    if lookup == "isnull":
        return (value is None) == bool(given)
    if value is None:
        return None
    return bool(value in given if lookup == "in" else value == given)


def holds(condition: Any, values: Mapping[str, Any], names: Mapping[str, str]) -> bool | None:
    """Tell whether a condition holds for these values; None where it cannot be told without the database.

    ``names`` maps the names of fields to those of their columns.
    """
    if not isinstance(condition, Q):
        return None
    found = [
        _leaf(child[0], child[1], values, names) if isinstance(child, tuple) else holds(child, values, names)
        for child in condition.children
    ]
    decisive = condition.connector == Q.OR
    outcome: bool | None = not decisive
    if decisive in found:
        outcome = decisive
    elif None in found:
        outcome = None
    return outcome if outcome is None or not condition.negated else not outcome
