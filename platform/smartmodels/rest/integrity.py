"""What PostgreSQL refused, told in the words of the API: which fields, and why."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import IntegrityError
from django.db.models import Model, UniqueConstraint

from smartmodels.rest.faults import Fault, pointer_to

__all__ = ["faults_of_integrity", "is_unique", "taken"]

_UNIQUE, _FOREIGN_KEY, _NOT_NULL, _CHECK = "23505", "23503", "23502", "23514"


def is_unique(constraint: Any) -> bool:
    """Tell whether a constraint asks plain fields to be unique."""
    return isinstance(constraint, UniqueConstraint) and bool(constraint.fields)


def taken(model: type[Model], fields: tuple[str, ...]) -> str:
    """Return the sentence that says a combination of values must be unique and is not.

    It is the one that the model declares (``unique_alive``), if it declares one.
    """
    groups = getattr(getattr(model, "smart", None), "unique_alive", ())
    declared = next((each.message for each in groups if each.fields == fields and each.message), None)
    if declared is not None:
        return str(declared)
    labels = [str(getattr(model._meta.get_field(name), "verbose_name", name)) for name in fields]
    return f"Another {model._meta.verbose_name} has this {' and '.join(labels)} already."


def faults_of_integrity(error: IntegrityError) -> tuple[Fault, ...] | None:
    """Return the faults behind an integrity error, or None when the input is not to blame."""
    said = getattr(error.__cause__, "diag", None)
    state = getattr(error.__cause__, "sqlstate", None)
    if state == _UNIQUE:
        return _unique(getattr(said, "constraint_name", None) or "")
    if state == _FOREIGN_KEY:
        return (
            Fault("does-not-exist", "A row that this one points at does not exist any more.", pointer=""),
        )
    if state == _NOT_NULL:
        column = getattr(said, "column_name", None) or ""
        return (Fault("null", "A value is needed.", pointer=pointer_to(column.removesuffix("_id"))),)
    if state == _CHECK:
        return (Fault("invalid", "The values contradict one another.", pointer=""),)
    return None


def _unique(name: str) -> tuple[Fault, ...]:
    for model in apps.get_models():
        if fields := _fields_of(model, name):
            message = taken(model, fields)
            return tuple(Fault("unique", message, pointer=pointer_to(field)) for field in fields)
    return (Fault("unique", "Another row has this value already.", pointer=""),)


def _fields_of(model: type[Model], name: str) -> tuple[str, ...]:
    """Return the fields that the constraint or index of this name holds unique, if it is the model's."""
    for constraint in model._meta.constraints:
        if constraint.name == name and is_unique(constraint):
            return tuple(getattr(constraint, "fields", ()))
    table = model._meta.db_table
    for field in model._meta.concrete_fields:
        if field.unique and name.startswith(f"{table}_{field.column}_"):
            return (field.name,)
    return ()
