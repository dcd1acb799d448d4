"""A column that holds one of many values: one array, where ``IN`` sends and parses a parameter for each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connections
from django.db.models import F, Lookup, Q

from smartmodels.querysets.copying import is_plain, type_of

__all__ = ["among"]


class _Among(Lookup):
    """``column = ANY(array)``."""

    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, parameters = self.process_lhs(compiler, connection)
        field: Any = self.lhs.output_field
        values = [field.get_db_prep_value(value, connection) for value in self.rhs]
        return f"{column} = ANY(%s::{type_of(field, connection)}[])", (*parameters, values)


def among(model: Any, name: str, values: Collection[Any], using: str) -> Q:
    """Return the condition that ``name``, a field or its attribute, has one of the values; None is none.

    It is an ordinary ``IN`` where the column takes its values in a way of its own.
    """
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    if is_plain(field, connections[using]):
        return Q(_Among(F(name), list(values)))
    return Q(**{f"{name}__in": list(values)})
