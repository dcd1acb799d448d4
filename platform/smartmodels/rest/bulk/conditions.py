"""Whether a row meets the condition of a constraint, told without asking the database where that can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q

__all__ = ["test_of"]


Test = Callable[[Any], bool]


class _Unknown(Exception):
    """Only the database can tell."""


def test_of(condition: Q | None, model: Any) -> Test:
    """Return what tells whether a row, as it is in memory, meets the condition of a constraint."""
    if condition is None:
        return lambda _: True
    try:
        return _test(condition, model)
    except _Unknown:
        return lambda row: bool(condition.check(_values_of(row)))


def _values_of(row: Any) -> dict[str, Any]:
    return {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _test(part: Any, model: Any) -> Test:
    if not isinstance(part, Q):
        return _comparison(part, model)
    tests = [_test(child, model) for child in part.children]
    together = {Q.AND: all, Q.OR: any}.get(part.connector)
    if together is None:
        raise _Unknown
    negated = part.negated
    return lambda row: together([test(row) for test in tests]) != negated


def _comparison(part: Any, model: Any) -> Test:
    if not (isinstance(part, tuple) and isinstance(part[0], str)) or hasattr(part[1], "resolve_expression"):
        raise _Unknown
    name, _, lookup = part[0].partition("__")
    try:
        attribute = model._meta.get_field(name).attname
    except (FieldDoesNotExist, AttributeError) as error:
        raise _Unknown from error
    wanted = part[1]
    if lookup == "isnull":
        return lambda row: (getattr(row, attribute) is None) is bool(wanted)
    if lookup in ("", "exact") and wanted is not None:
        key = getattr(wanted, "pk", wanted)
        return lambda row: bool(getattr(row, attribute) == key)
    raise _Unknown
