"""Compilers that fail closed: a tenant model compiles only inside a namespace, and only inside its own.

Every statement Django's ORM sends passes here, whatever manager, queryset class or third-party package
it comes from, so nothing can forget the check (DESIGN T3).
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.backends.postgresql import compiler as postgres

from smartmodels.context import current_schema
from smartmodels.exceptions import ManySchemasReadOnly, NamespaceMismatch, NamespaceNotBound
from smartmodels.tenancy.engine.many import ManySchemasRendering, reads_one_schema, rendering_many
from smartmodels.tenancy.engine.writes import follower_of
from smartmodels.tenancy.placement import is_tenant_model

__all__ = [
    "SQLAggregateCompiler",
    "SQLCompiler",
    "SQLDeleteCompiler",
    "SQLInsertCompiler",
    "SQLUpdateCompiler",
]


def check_namespace(query: Any) -> None:
    """Refuse a query on tenant tables outside the namespace it belongs to.

    ``query.bound_schema`` is the namespace a queryset was made in. Raises NamespaceNotBound or
    NamespaceMismatch.
    """
    model = query.model
    if model is None or not is_tenant_model(model):
        return
    schema = current_schema()
    if schema is None:
        raise NamespaceNotBound(
            f"{model._meta.label} lives in a namespace and none is bound here: "
            "wrap the call in namespace_scope(namespace)."
        )
    made_in = getattr(query, "bound_schema", None)
    if made_in is not None and made_in != schema:
        raise NamespaceMismatch(
            f"A queryset of {model._meta.label} made in one namespace was evaluated in another: "
            "build it inside the namespace_scope in which it is used."
        )


class _Read:
    """SELECT: of the bound namespace, or of the schemas that the query names (``query.many_schemas``)."""

    query: Any
    connection: Any

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        if reads_one_schema(self.query):
            check_namespace(self.query)
            return super().as_sql(*args, **kwargs)  # type: ignore[misc]
        with rendering_many(self.query) as reads:
            self.__class__ = _ManySchemasCompiler
            self.connection.session.touch(*reads.schemas)
            return super().as_sql(*args, **kwargs)  # type: ignore[misc]


class _Write:
    """A write: of the bound namespace, never of many."""

    query: Any

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        if getattr(self.query, "many_schemas", None) is not None:
            raise ManySchemasReadOnly(
                f"A queryset of {self.query.model._meta.label} over many namespaces only reads: "
                "write inside the namespace_scope of each row's home."
            )
        check_namespace(self.query)
        return super().as_sql(*args, **kwargs)  # type: ignore[misc]


class SQLCompiler(_Read, postgres.SQLCompiler):
    """SELECT; most read one schema and are rendered by Django alone."""


class _ManySchemasCompiler(ManySchemasRendering, SQLCompiler):
    """What a compiler becomes that reads many schemas, or is part of a query that does."""


class _FollowedWrite(_Write):
    """UPDATE and DELETE, which say which rows they wrote where somebody wants to know."""

    connection: Any
    using: Any
    _keys: list[Any] | None = None

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        sql, params = super().as_sql(*args, **kwargs)
        follower = follower_of(self.query.model)
        if follower is None or not sql or getattr(self, "returning_fields", None):
            return sql, params
        table, column = (
            self.connection.ops.quote_name(each) for each in (_table(self.query), follower.field.column)
        )
        return f"{sql} RETURNING {table}.{column}", params

    def execute_sql(self, result_type: Any, *args: Any, **kwargs: Any) -> Any:
        """Execute the statement, then tell its follower, in one transaction."""
        follower = follower_of(self.query.model)
        if follower is None:
            return super().execute_sql(result_type, *args, **kwargs)  # type: ignore[misc]
        with transaction.atomic(using=self.using, savepoint=False):
            with self.connection.execute_wrapper(self._read_keys):
                result = super().execute_sql(result_type, *args, **kwargs)  # type: ignore[misc]
            keys, self._keys = self._keys, None
            if keys:
                follower.tell(keys, self.using)
        return result

    def _read_keys(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        result = execute(sql, params, many, context)
        # Statements that this one causes, such as those of parent tables, were told of by themselves.
        if self._keys is None and context["cursor"].description is not None and " RETURNING " in sql:
            self._keys = [row[0] for row in context["cursor"].fetchall()]
        return result


def _table(query: Any) -> str:
    return str(query.model._meta.db_table)


class SQLInsertCompiler(_Write, ManySchemasRendering, postgres.SQLInsertCompiler):
    """INSERT, which says which rows it wrote where somebody wants to know."""

    using: Any

    def execute_sql(self, returning_fields: Any = None) -> Any:  # type: ignore[override] # as Django's
        """Execute the statement, then tell its follower, in one transaction."""
        follower = follower_of(self.query.model)
        if follower is None:
            return super().execute_sql(returning_fields)
        asked = list(returning_fields or ())
        with transaction.atomic(using=self.using, savepoint=False):
            rows = super().execute_sql([*asked, follower.field])
            if keys := [row[-1] for row in rows if row is not None]:
                follower.tell(keys, self.using)
        return [row[:-1] for row in rows if row is not None] if asked else []


class SQLDeleteCompiler(_FollowedWrite, ManySchemasRendering, postgres.SQLDeleteCompiler):  # type: ignore[misc]
    """DELETE."""


class SQLUpdateCompiler(_FollowedWrite, ManySchemasRendering, postgres.SQLUpdateCompiler):  # type: ignore[misc]
    """UPDATE."""

    def execute_returning_sql(self, returning_fields: Any) -> Any:
        """Execute a statement that Django 6.1 wants values of, then tell its follower, in one transaction."""
        parent: Any = super()
        follower = follower_of(self.query.model)
        if follower is None or not returning_fields:
            return parent.execute_returning_sql(returning_fields)
        with transaction.atomic(using=self.using, savepoint=False):
            rows = parent.execute_returning_sql([*returning_fields, follower.field])
            if keys := [row[-1] for row in rows]:
                follower.tell(keys, self.using)
        return [row[:-1] for row in rows]


class SQLAggregateCompiler(ManySchemasRendering, postgres.SQLAggregateCompiler):
    """SELECT of aggregates over a subquery, which is checked itself."""
