"""Compilers that fail closed: a tenant model compiles only inside a namespace, and only inside its own.

Every statement Django's ORM sends passes here, whatever manager, queryset class or third-party package
it comes from, so nothing can forget the check (DESIGN T3).
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import compiler as postgres

from smartmodels.context import current_schema
from smartmodels.exceptions import ManySchemasReadOnly, NamespaceMismatch, NamespaceNotBound
from smartmodels.tenancy.engine.many import ManySchemasRendering, rendering_many
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

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        with rendering_many(self.query) as many:
            if not many:
                check_namespace(self.query)
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


class SQLCompiler(_Read, ManySchemasRendering, postgres.SQLCompiler):
    """SELECT."""


class SQLInsertCompiler(_Write, ManySchemasRendering, postgres.SQLInsertCompiler):
    """INSERT."""


class SQLDeleteCompiler(_Write, ManySchemasRendering, postgres.SQLDeleteCompiler):
    """DELETE."""


class SQLUpdateCompiler(_Write, ManySchemasRendering, postgres.SQLUpdateCompiler):
    """UPDATE."""


class SQLAggregateCompiler(ManySchemasRendering, postgres.SQLAggregateCompiler):
    """SELECT of aggregates over a subquery, which is checked itself."""
