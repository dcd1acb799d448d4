"""Whether a row meets the condition of a constraint, told without asking the database where that can be."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Q

__all__ = ["holds"]


class _Unknown(Exception):
    """Only the database can tell."""


def holds(condition: Q | None, row: Any) -> bool:
    """Tell whether the row, as it is in memory, meets the condition of a constraint."""
    if condition is None:
        return True
    try:
        return _holds(condition, row)
    except _Unknown:
        against = {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}
        return bool(condition.check(against))


def _holds(part: Any, row: Any) -> bool:
    if not isinstance(part, Q):
        return _compare(part, row)
    parts = [_holds(child, row) for child in part.children]
    found = {Q.AND: all, Q.OR: any}.get(part.connector)
    if found is None:
        raise _Unknown
    return found(parts) != part.negated


def _compare(part: Any, row: Any) -> bool:
    if not (isinstance(part, tuple) and isinstance(part[0], str)):
        raise _Unknown
    name, _, lookup = part[0].partition("__")
    try:
        value = getattr(row, row._meta.get_field(name).attname)
    except (FieldDoesNotExist, AttributeError) as error:
        raise _Unknown from error
    wanted = part[1]
    if hasattr(wanted, "as_sql") or isinstance(wanted, F):
        raise _Unknown
    if lookup == "isnull":
        return (value is None) is bool(wanted)
    if lookup in ("", "exact") and wanted is not None:
        return bool(value == getattr(wanted, "pk", wanted))
    if lookup == "in" and value is not None:
        return value in [getattr(each, "pk", each) for each in wanted]
    raise _Unknown
