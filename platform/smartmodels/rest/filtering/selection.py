"""What a request selects: an immutable value that the rest of the API builds on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q
from django.db.models.expressions import OrderBy

from smartmodels.rest.filtering.lookups import ByCodePoint
from smartmodels.rest.filtering.relations import Relation

__all__ = ["Inclusion", "OrderTerm", "Selection"]


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One criterion of an order: the column's name in the API and its lookup, direction and nulls.

    ``is_text`` says that it is compared by code points, ``is_nullable`` that rows may have no value.
    """

    name: str
    source: str
    descending: bool = False
    nulls_first: bool = False
    is_text: bool = False
    is_nullable: bool = False

    @property
    def expression(self) -> Any:
        """Return what rows are compared by."""
        return ByCodePoint(F(self.source)) if self.is_text else F(self.source)

    @property
    def ordering(self) -> OrderBy:
        """Return the argument for ``order_by``."""
        # PostgreSQL's own places for nulls are not spelled out, so that an index serves the order.
        if not self.is_nullable or self.nulls_first == self.descending:
            return OrderBy(self.expression, descending=self.descending)
        nulls = {"nulls_first": True} if self.nulls_first else {"nulls_last": True}
        return OrderBy(self.expression, descending=self.descending, **nulls)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows, in which order, from where, how many, and what of them.

    ``order`` ends with the primary key. ``fields`` names what is shown, None for everything. ``limit`` is
    None where the caller gives none. ``has_patterns`` tells that rows are searched by patterns, which may
    take long; ``given`` is the filter as it was asked for.
    """

    where: Q
    order: tuple[OrderTerm, ...]
    fields: tuple[str, ...] | None = None
    includes: tuple[Inclusion, ...] = ()
    limit: int | None = None
    skip: int = 0
    has_patterns: bool = False
    given: Any = None

    def of(self, rows: Any) -> Any:
        """Return the selected rows of a queryset, in order; not yet cut by limit and skip."""
        return self.ordered(rows.filter(self.where))

    def ordered(self, rows: Any) -> Any:
        """Return the rows in order."""
        return rows.order_by(*(term.ordering for term in self.order))


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A relation whose rows are embedded; ``scope`` selects among them and ``view`` shows them."""

    relation: Relation
    view: Any
    scope: Selection
