"""``where: {"namespaces": "acme"}``: rows by the namespaces in which they are visible."""

from __future__ import annotations

from typing import Any

from smartmodels.rest.filtering.brackets import listed
from smartmodels.rest.filtering.caps import ITEMS
from smartmodels.rest.filtering.conditions import Condition
from smartmodels.rest.filtering.errors import InvalidFilter, Place
from smartmodels.sharing import seen_in

__all__ = ["NAMESPACES", "belonging_schema", "belongs", "is_belonging"]

NAMESPACES = "namespaces"
_LONGEST = 63
_KNOWN = ("eq", "neq", "inq", "nin")


def is_belonging(model: Any, name: str) -> bool:
    """Tell whether a property is that of the namespaces in which rows of ``model`` are visible."""
    return name == NAMESPACES and hasattr(model, NAMESPACES)


def belongs(asked: Any, given: Any, place: Place) -> Condition:
    """Return the condition on the namespaces of a row, by their slugs; raise InvalidFilter.

    A row is visible at home, and where a grant shows it. Of rows that others share one learns no more than
    that they are visible there and here, and where one passed them on.
    """
    found = []
    for name, value in (given if isinstance(given, dict) else {"eq": given}).items():
        here = place if not isinstance(given, dict) else (*place, name)
        asked.budget.take("conditions", here)
        found.append(_one(asked, name, value, here))
    if not found:
        raise InvalidFilter("expected an operator", place)
    condition = found[0]
    for each in found[1:]:
        condition &= each
    return condition


def _one(asked: Any, name: str, value: Any, place: Place) -> Condition:
    if name not in _KNOWN:
        raise InvalidFilter(f"unknown operator {name[:100]!r}", place, known=_KNOWN, code="unknown-operator")
    slugs = listed(value) if name in ("inq", "nin") else [value]
    if not isinstance(slugs, list) or not all(map(_is_slug, slugs)) or len(slugs) > ITEMS:
        raise InvalidFilter("expected the slug of a namespace, or with inq and nin an array of slugs", place)
    found = Condition(seen_in(asked.view.model, slugs, asked.here))
    return ~found if name in ("neq", "nin") else found


def _is_slug(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and "\x00" not in value


def belonging_schema() -> dict[str, Any]:
    """Return the schema of the condition."""
    slug = {"type": "string", "minLength": 1, "maxLength": _LONGEST, "pattern": "^[^\\x00]*$"}
    slugs = {"type": "array", "items": slug, "maxItems": ITEMS}
    operators = {"eq": slug, "neq": slug, "inq": slugs, "nin": slugs}
    closed = {"type": "object", "properties": operators, "additionalProperties": False, "minProperties": 1}
    return {"description": "Namespaces in which rows are visible, by their slugs.", "anyOf": [slug, closed]}
