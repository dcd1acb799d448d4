"""Queries of the living: deleted rows of other tables do not count either, whatever way leads to them.

``Study.objects.annotate(Count("specimens"))`` counts living specimens: joins to the many side of a relation
leave out deleted rows, and in private mode those of others. The way up, from a row to what it belongs to,
shows what is there.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.lookups import IsNull
from django.db.models.sql.datastructures import Join
from django.db.models.sql.where import AND
from safedelete.query import SafeDeleteQuery

from smartmodels.querysets import joined_sql, owned_at
from smartmodels.softdelete.relations import is_smart

__all__ = ["AliveJoin", "AliveQuery"]

_Join: Any = Join


def _deleted_at(join_field: Any, table: str) -> Any | None:
    """Return the field that tells living from deleted rows of the joined table; None if all of them count."""
    if not isinstance(join_field, ForeignObjectRel) and not join_field.model._meta.auto_created:
        return None
    for model in (join_field.related_model, join_field.model):
        try:
            field = model._meta.get_field("deleted_at")
        except FieldDoesNotExist:
            continue
        if field.model._meta.db_table == table and is_smart(field.model):
            return field
    return None


class AliveJoin(_Join):
    """A join that meets living rows only, where it goes along a reverse key or to the far side of a link."""

    @property
    def deleted_at(self) -> Any | None:
        """Return the field that is null in the rows that count; None if all of them do."""
        return _deleted_at(self.join_field, self.table_name)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Return Django's SQL of the join with one more condition in its ON clause."""
        sql, params = super().as_sql(compiler, connection)
        field = self.deleted_at
        if field is None:
            return sql, params
        condition, more = compiler.compile(IsNull(field.get_col(self.table_alias), True))
        whose, key = joined_sql(owned_at(field.model, self.table_alias), compiler)
        return f"{sql.removesuffix(')')} AND {condition}{whose})", [*params, *more, *key]


class AliveQuery(SafeDeleteQuery):
    """The query behind ``objects``."""

    join_class = AliveJoin

    def trim_joins(self, targets: Any, joins: list[str], path: list[Any]) -> Any:
        """Keep a join that tells living from deleted rows, though the key alone could do without it.

        Not where a related manager speaks of the row at hand (a sticky filter): that one counts anyway.
        """
        if self.filter_is_sticky:
            return super().trim_joins(targets, joins, path)
        first = len(joins) - len(path)
        for position in range(len(joins) - 1, max(first, 1) - 1, -1):
            if getattr(self.alias_map[joins[position]], "deleted_at", None) is not None:
                return super().trim_joins(targets, joins, path[position - first + 1 :])
        return super().trim_joins(targets, joins, path)

    def trim_start(self, names_with_path: Any) -> Any:
        """Keep the condition of a join that Django makes the first table of a subquery."""
        before = dict(self.alias_map)
        trimmed = super().trim_start(names_with_path)
        first = next(alias for alias in self.alias_map if self.alias_refcount[alias])
        field = getattr(before[first], "deleted_at", None)
        if field is not None and before[first] is not self.alias_map[first]:
            self.where.add(IsNull(field.get_col(first), True), AND)
            if (whose := owned_at(field.model, first)) is not None:
                self.where.add(whose, AND)
        return trimmed
