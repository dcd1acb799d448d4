"""Conditions in two-valued logic: what they say of rows, and of a row that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from django.db.models import Q

__all__ = ["FALSE", "TRUE", "Condition", "all_of", "any_of"]


@dataclass(frozen=True, slots=True)
class Condition:
    """``q`` is the condition on a row; ``of_nothing`` its truth where there is no row, or no value.

    A ``~`` in front of ``q`` keeps rows without a value: Django adds the IS NOT NULL that this takes.
    """

    q: Q
    of_nothing: bool = False

    def __and__(self, other: Condition) -> Condition:
        return Condition(self.q & other.q, self.of_nothing and other.of_nothing)

    def __or__(self, other: Condition) -> Condition:
        return Condition(self.q | other.q, self.of_nothing or other.of_nothing)

    def __invert__(self) -> Condition:
        return Condition(~self.q, not self.of_nothing)


# Not Q(), which is left out of an OR instead of making it true.
FALSE = Condition(Q(pk__in=()), of_nothing=False)
TRUE = ~FALSE


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Return the condition that all hold; none at all hold everywhere."""
    found = tuple(conditions)
    return reduce(and_, found) if found else TRUE


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Return the condition that one holds; of none at all, none does."""
    found = tuple(conditions)
    return reduce(or_, found) if found else FALSE
