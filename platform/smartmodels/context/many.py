"""Which schemas a query over many of them reads.

The value travels on ``query.many_schemas``; :mod:`smartmodels.querysets` sets it and the database engine
(:mod:`smartmodels.tenancy.engine`) renders the tables it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import CharField
from django.db.models.expressions import Col

__all__ = ["HOME_COLUMN", "ManySchemas", "home_of"]

HOME_COLUMN = "__home"
"""Column of a table over many schemas that says which namespace (by slug) a row lives in."""


@dataclass(frozen=True, slots=True)
class ManySchemas:
    """The schemas that a query reads instead of the bound namespace's.

    With ``homes``, one slug per schema, every tenant table is the union of that table in all schemas, and
    rows meet only rows of their own home. Without, there is one schema and every table is qualified by it.
    ``keys`` may narrow the rows of each home to those with these keys, None being all; subqueries, which are
    about other rows, know nothing of it.
    """

    schemas: tuple[str, ...]
    homes: tuple[str, ...] | None = None
    keys: tuple[list[Any] | None, ...] | None = None


_field = CharField()
_field.column = HOME_COLUMN


def home_of(alias: str) -> Col:
    """Return the expression for the home (its slug) of the rows that ``alias`` stands for in a query."""
    return Col(alias, _field)
