"""What a filter selects, worked out in Python over the dataset: no database, nothing of the product."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from typing import Any

from tests.support.shop import read

KINDS = {
    "Item": {
        "id": "integer", "sku": "text", "name": "text", "category": "text", "qty": "integer",
        "price": "float", "active": "boolean", "born": "time", "rating": "integer", "note": "text",
        "ownerId": "integer",
    },
    "Owner": {"id": "integer", "name": "text", "email": "text", "age": "integer", "vip": "boolean"},
    "Review": {"id": "integer", "itemId": "integer", "stars": "integer", "body": "text"},
}  # fmt: skip
TO_ONE = {("Item", "owner"): ("Owner", "ownerId"), ("Review", "item"): ("Item", "itemId")}
TO_MANY = {("Owner", "items"): ("Item", "ownerId"), ("Item", "reviews"): ("Review", "itemId")}
TABLES = {"Item": "items", "Owner": "owners", "Review": "reviews"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = dict[str, Any] | None


def rows_of(model: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read("dataset")[TABLES[model]]
    return rows


def coerced(kind: str, value: Any) -> Any:
    """A value as its column holds it; None stays."""
    if value is None:
        return None
    if kind == "time":
        if not isinstance(value, str):
            return EPOCH + timedelta(milliseconds=value)
        found = datetime.fromisoformat(value)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    if kind == "boolean":
        return value in (True, "true", "1", 1)
    if kind in ("integer", "float"):
        return float(value) if isinstance(value, str) else value
    return value if isinstance(value, str) else str(value)


def like(pattern: str, *, folding: bool) -> Callable[[str], bool]:
    parts, escaped = [], False
    for character in pattern:
        if escaped or character not in "%_\\":
            parts.append(re.escape(character))
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            parts.append(".*" if character == "%" else ".")
    compiled = re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if folding else 0))
    return lambda text: compiled.fullmatch(text) is not None


ASCII_ONLY = {
    "\\d": "[0-9]", "\\w": "[A-Za-z0-9_]", "\\S": "[^\\s]", "$": "\\Z",
    "\\b": "(?:(?<![A-Za-z0-9_])(?=[A-Za-z0-9_])|(?<=[A-Za-z0-9_])(?![A-Za-z0-9_]))",
}  # fmt: skip
"""What JavaScript means in a regular expression, in Python's words."""


def regexp(given: str) -> Callable[[str], bool]:
    form = re.fullmatch(r"/(.*)/([igm]*)", given, re.DOTALL)
    pattern, flags = (form[1], form[2]) if form else (given, "")
    for meant, said in ASCII_ONLY.items():
        if not (meant == "$" and "m" in flags):
            pattern = pattern.replace(f"[{meant}\\s]", "[0-9\\s]").replace(meant, said)
    compiled = re.compile(
        pattern, (re.IGNORECASE if "i" in flags else 0) | (re.MULTILINE if "m" in flags else 0)
    )
    return lambda text: compiled.search(text) is not None


def tested(  # noqa: PLR0911 - one per kind of operator
    kind: str, operator: str, given: Any, value: Any, options: str
) -> bool:
    """Whether a column's value passes one operator, in two-valued logic."""
    if operator in NEGATED:
        return not tested(kind, NEGATED[operator], given, value, options)
    if operator == "exists":
        return (value is not None) == (given in (True, "true", "1"))
    if operator in ("like", "ilike"):
        folding = operator == "ilike" or options == "i"
        return value is not None and like(given, folding=folding)(value)
    if operator == "regexp":
        return value is not None and regexp(given)(value)
    if operator == "inq":
        return value in [coerced(kind, each) for each in given]
    if operator == "between":
        low, high = given
        return tested(kind, "gte", low, value, "") and tested(kind, "lte", high, value, "")
    return compared(operator, value, coerced(kind, given))


NEGATED = {"neq": "eq", "nin": "inq", "nlike": "like", "nilike": "ilike", "nregexp": "regexp"}


def compared(operator: str, value: Any, given: Any) -> bool:
    if operator == "eq":
        return bool(value == given)
    if value is None or given is None:
        return False
    return bool(
        {"gt": value > given, "gte": value >= given, "lt": value < given, "lte": value <= given}[operator]
    )


def holds(where: dict[str, Any], row: Row, model: str) -> bool:
    """Whether a condition holds for a row, or for a related row that is not there."""
    return all(member_holds(name, given, row, model) for name, given in where.items())


def member_holds(  # noqa: PLR0911 - one per kind of member
    name: str, given: Any, row: Row, model: str
) -> bool:
    if name == "and":
        return all(holds(each, row, model) for each in given)
    if name == "or":
        return any(holds(each, row, model) for each in given)
    if name == "nor":
        return not any(holds(each, row, model) for each in given)
    if name == "not":
        return not holds(given, row, model)
    if "." in name:
        return path_holds(name, given, row, model)
    kind = KINDS[model][name]
    value = None if row is None else coerced(kind, row[name])
    if not isinstance(given, dict):
        return tested(kind, "eq", given, value, "")
    options = given.get("options", "")
    return all(
        tested(kind, operator, each, value, options)
        for operator, each in given.items()
        if operator != "options"
    )


def path_holds(path: str, given: Any, row: Row, model: str) -> bool:
    name, _, rest = path.partition(".")
    if (model, name) in TO_ONE:
        other, key = TO_ONE[model, name]
        found = next((each for each in rows_of(other) if row is not None and each["id"] == row[key]), None)
        return holds({rest: given}, found, other)
    other, key = TO_MANY[model, name]
    return row is not None and any(
        holds({rest: given}, each, other) for each in rows_of(other) if each[key] == row["id"]
    )


def ordered(
    rows: list[dict[str, Any]], model: str, terms: list[tuple[str, bool, bool]]
) -> list[dict[str, Any]]:
    """The rows by (column, descending, nulls first), and by id."""

    def compare(left: dict[str, Any], right: dict[str, Any]) -> int:
        for name, descending, nulls_first in (*terms, ("id", False, False)):
            one, two = (coerced(KINDS[model][name], each[name]) for each in (left, right))
            if one == two:
                continue
            if one is None or two is None:
                return -1 if (one is None) == nulls_first else 1
            return (-1 if one < two else 1) * (-1 if descending else 1)
        return 0

    return sorted(rows, key=cmp_to_key(compare))


def selected(model: str, where: dict[str, Any], terms: list[tuple[str, bool, bool]]) -> list[int]:
    """The ids of the rows for which the condition holds, in order."""
    found = [row for row in rows_of(model) if holds(where, row, model)]
    return [row["id"] for row in ordered(found, model, terms)]
