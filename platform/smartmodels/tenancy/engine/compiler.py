"""Compilers that fail closed: a tenant model compiles only inside a namespace, and only inside its own.

Every statement Django's ORM sends passes here, whatever manager, queryset class or third-party package
it comes from, so nothing can forget the check (DESIGN T3).
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import compiler as postgres

from smartmodels.context import current_schema
from smartmodels.exceptions import NamespaceMismatch, NamespaceNotBound
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

    ``query.bound_schema`` is the namespace a queryset was made in; ``query.many_schemas`` marks a
    queryset that names its schemas itself. Raises NamespaceNotBound or NamespaceMismatch.
    """
    model = query.model
    if model is None or not is_tenant_model(model) or getattr(query, "many_schemas", None) is not None:
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


class _Checked:
    query: Any

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        check_namespace(self.query)
        return super().as_sql(*args, **kwargs)  # type: ignore[misc]


class SQLCompiler(_Checked, postgres.SQLCompiler):
    """SELECT."""


class SQLInsertCompiler(_Checked, postgres.SQLInsertCompiler):
    """INSERT."""


class SQLDeleteCompiler(_Checked, postgres.SQLDeleteCompiler):
    """DELETE."""


class SQLUpdateCompiler(_Checked, postgres.SQLUpdateCompiler):
    """UPDATE."""


class SQLAggregateCompiler(_Checked, postgres.SQLAggregateCompiler):
    """SELECT of aggregates over a subquery."""
