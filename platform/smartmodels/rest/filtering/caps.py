"""How much one filter may ask for; beyond it the answer is 400."""

from __future__ import annotations

from smartmodels.rest.filtering.errors import InvalidFilter, Place

__all__ = ["DEPTH", "EMBEDDED", "INCLUDES", "INCLUDE_DEPTH", "ITEMS", "PATTERN", "REPEATED", "Budget"]

DEPTH = 12
"""Levels of conditions, one within the other, ``where`` itself included."""

CONDITIONS = 1000
"""Conditions in one filter, those of scopes included."""

GROUPS = 2 * CONDITIONS
"""Objects that hold them: a condition in a list has one of its own."""

RELATED = 25
"""Conditions on related rows: each is a subquery."""

ITEMS = 1000
"""Values in one list."""

INCLUDES = 10
"""Relations that one filter may include, those of scopes counted."""

INCLUDE_DEPTH = 3
"""Levels of include, one within the other."""

EMBEDDED = 10_000
"""Related rows that one include may bring."""

PATTERN = 500
"""Characters of a regular expression or of a LIKE pattern."""

REPEATED = 1000
"""How often nested bounds of a regular expression may repeat a part, multiplied with one another."""


class Budget:
    """What one filter has asked for so far; also whether it searches by patterns, which may take long."""

    def __init__(self) -> None:
        self._left = {
            "conditions": CONDITIONS,
            "groups of conditions": GROUPS,
            "conditions on related rows": RELATED,
            "includes": INCLUDES,
        }
        self.has_patterns = False

    def take(self, what: str, place: Place) -> None:
        """Count one more; raise InvalidFilter when there are too many."""
        self._left[what] -= 1
        if self._left[what] < 0:
            raise InvalidFilter(f"too many {what}: ask for less at a time", place, code="too-much")
