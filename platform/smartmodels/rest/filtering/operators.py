"""The operators: from a column and a value to a condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q

from smartmodels.rest.filtering import lookups as _lookups  # noqa: F401 - registers them
from smartmodels.rest.filtering.brackets import listed
from smartmodels.rest.filtering.caps import ITEMS, PATTERN
from smartmodels.rest.filtering.columns import Column
from smartmodels.rest.filtering.conditions import FALSE, Condition
from smartmodels.rest.filtering.errors import Unreadable
from smartmodels.rest.filtering.regexps import translated
from smartmodels.rest.filtering.values import Gap, read_boolean

__all__ = ["OPERATORS", "PATTERNS", "Operator", "equal"]

Operator = Callable[[Column, Any, str], Condition]
"""Takes the column, what the filter gives, and its ``options``; raises Unreadable."""


def _where(column: Column, lookup: str, value: Any) -> Condition:
    return Condition(Q(**{f"{column.source}__{lookup}": value}))


def _is_null(column: Column) -> Condition:
    return Condition(Q(**{f"{column.source}__isnull": True}), of_nothing=True)


def _read(column: Column, given: Any) -> Any:
    if not column.is_comparable:
        raise Unreadable("this field has no values to compare: ask whether it exists")
    return column.read(given)


# Equality


def equal(column: Column, given: Any, _options: str = "") -> Condition:
    """``eq``: the value, or no value for null."""
    if given is None:
        return _is_null(column)
    value = _read(column, given)
    return FALSE if isinstance(value, Gap) else _where(column, "exact", value)


def _unequal(column: Column, given: Any, _options: str) -> Condition:
    return ~equal(column, given)


def _in(column: Column, given: Any, _options: str) -> Condition:
    items = _items(given)
    values = [_read(column, item) for item in items if item is not None]
    held = [value for value in values if not isinstance(value, Gap)]
    found = _where(column, "in", held) if held else FALSE
    return found | _is_null(column) if None in items else found


def _not_in(column: Column, given: Any, options: str) -> Condition:
    return ~_in(column, given, options)


def _items(given: Any) -> list[Any]:
    items = listed(given)
    if not isinstance(items, list):
        raise Unreadable("expected an array")
    if len(items) > ITEMS:
        raise Unreadable(f"at most {ITEMS} values")
    return items


# Order


def _compared(lookup: str, *, upwards: bool) -> Operator:
    def compare(column: Column, given: Any, _options: str = "") -> Condition:
        if given is None:
            return FALSE
        value = _read(column, given)
        if not isinstance(value, Gap):
            return _where(column, f"code_point_{lookup}" if column.is_text else lookup, value)
        if value.below is None:
            return ~_is_null(column) if upwards else FALSE
        return _where(column, "gt" if upwards else "lte", value.below)

    return compare


_at_least, _at_most = _compared("gte", upwards=True), _compared("lte", upwards=False)


def _between(column: Column, given: Any, options: str) -> Condition:
    items = _items(given)
    if len(items) != 2:
        raise Unreadable("expected an array of two values")
    return _at_least(column, items[0], options) & _at_most(column, items[1], options)


# Patterns


def _pattern(column: Column, name: str, given: Any) -> str:
    if not column.is_text:
        raise Unreadable(f"{name} needs a text field")
    if not isinstance(given, str):
        raise Unreadable(f"{name} must be a string")
    if len(given) > PATTERN:
        raise Unreadable(f"{name} has at most {PATTERN} characters")
    return str(column.read(given))


def _like(name: str, *, folding: bool = False) -> Operator:
    def like(column: Column, given: Any, options: str) -> Condition:
        pattern = _pattern(column, name, given)
        if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
            raise Unreadable("the pattern ends in a lone backslash")
        return _where(column, "sql_ilike" if folding or options else "sql_like", pattern)

    return like


def _regexp(column: Column, given: Any, options: str) -> Condition:
    pattern, flags = translated(_pattern(column, "regexp", given))
    return _where(column, "sql_iregexp" if "i" in flags or options else "sql_regexp", pattern)


def _negated(operator: Operator) -> Operator:
    return lambda column, given, options: ~operator(column, given, options)


def _exists(column: Column, given: Any, _options: str) -> Condition:
    try:
        wanted = read_boolean(given)
    except Unreadable as error:
        raise Unreadable("exists needs a boolean") from error
    return ~_is_null(column) if wanted else _is_null(column)


PATTERNS: dict[str, Operator] = {
    "like": _like("like"),
    "nlike": _negated(_like("nlike")),
    "ilike": _like("ilike", folding=True),
    "nilike": _negated(_like("nilike", folding=True)),
    "regexp": _regexp,
    "nregexp": _negated(_regexp),
}
"""Operators on texts, which take ``options: "i"``."""

OPERATORS: dict[str, Operator] = {
    "eq": equal,
    "neq": _unequal,
    "gt": _compared("gt", upwards=True),
    "gte": _at_least,
    "lt": _compared("lt", upwards=False),
    "lte": _at_most,
    "between": _between,
    "inq": _in,
    "nin": _not_in,
    "exists": _exists,
    **PATTERNS,
}
"""All operators by name; those that say no keep rows without a value."""
