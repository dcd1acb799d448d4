"""Render a query over many schemas: its tables are qualified, everything else is Django's own SQL.

Two renderings, chosen by :class:`~smartmodels.context.many.ManySchemas`. A union: each tenant table becomes
``(SELECT 'alpha' AS "__home", ... FROM "t_alpha"."x" UNION ALL ...)``; joins and subqueries see only rows of
the same home. PostgreSQL flattens such a union, pushes conditions into each branch and merges index order
across them. Or one schema: each tenant table is qualified by it. Shared tables are qualified by ``public``.
What names tables in ways that cannot be qualified (raw SQL) is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NoReturn

from django.apps import apps
from django.db.models.expressions import RawSQL
from django.db.models.lookups import Exact
from django.db.models.sql.datastructures import BaseTable, Join
from django.db.models.sql.where import ExtraWhere, WhereNode

from smartmodels.context import PUBLIC_SCHEMA
from smartmodels.context.many import HOME_COLUMN, ManySchemas, home_of
from smartmodels.exceptions import ManySchemasUnsupported
from smartmodels.tenancy.placement import is_tenant_model

__all__ = ["ManySchemasRendering", "rendering_many"]


@dataclass(slots=True)
class _Frame:
    """One SELECT being compiled: ``anchor`` is its row source, ``outer`` the one of the SELECT around it."""

    reads: ManySchemas
    outer: str | None
    anchor: str | None = None


_frame: ContextVar[_Frame | None] = ContextVar("smartmodels_many_schemas", default=None)


def _refuse(what: str) -> NoReturn:
    raise ManySchemasUnsupported(
        f"{what} cannot be read over many schemas: express it with the ORM, or run it in each namespace."
    )


@contextmanager
def rendering_many(query: Any) -> Iterator[bool]:
    """Say for the block how the tables of ``query`` are rendered; yield False when it reads one namespace.

    A subquery reads what the query around it reads, unless it says itself what it reads.
    """
    around = _frame.get()
    reads: ManySchemas | None = getattr(query, "many_schemas", None)
    if reads is not None:
        frame = _Frame(reads, outer=None)
    elif around is not None:
        frame = _Frame(around.reads, outer=around.anchor or around.outer)
    else:
        yield False
        return
    token = _frame.set(frame)
    try:
        yield True
    finally:
        _frame.reset(token)


@cache
def _tables() -> dict[str, tuple[bool, tuple[Any, ...]]]:
    """Return every known table: whether it stands in the namespaces' schemas, and its columns' fields."""
    models = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
    return {
        model._meta.db_table: (is_tenant_model(model), tuple(model._meta.local_concrete_fields))
        for model in models
    }


def _is_tenant_table(name: str) -> bool:
    known = _tables().get(name)
    if known is None:
        _refuse(f"The table {name}, which belongs to no installed model,")
    return known[0]


def _quote(name: str) -> str:
    # The text still passes through the substitution of parameters.
    return '"{}"'.format(name.replace('"', '""').replace("%", "%%"))


def _literal(value: str) -> str:
    return "'{}'::text".format(value.replace("'", "''").replace("%", "%%"))


@lru_cache(maxsize=256)
def _union(table: str, reads: ManySchemas) -> str:
    """Return the parenthesised UNION ALL of ``table`` in all schemas; columns by name, never by position."""
    fields = _tables()[table][1]
    columns = ", ".join(_quote(field.column) for field in fields)
    home = _quote(HOME_COLUMN)
    branches = [
        f"SELECT {_literal(slug)} AS {home}, {columns} FROM {_quote(schema)}.{_quote(table)}"  # noqa: S608 - quoted
        for schema, slug in zip(reads.schemas, reads.homes or (), strict=True)
    ]
    return f"({' UNION ALL '.join(branches)})"


class ManySchemasRendering:
    """Mixin of the SELECT compiler. Outside :func:`rendering_many` it changes nothing."""

    query: Any
    connection: Any
    where: Any

    def pre_sql_setup(self, *args: Any, **kwargs: Any) -> Any:
        """Find the row source, so that subqueries can refer to it, and tie this one to the SELECT around."""
        frame = _frame.get()
        if frame is None or frame.reads.homes is None or self.query.combinator:
            return super().pre_sql_setup(*args, **kwargs)  # type: ignore[misc]
        if not any(self.query.alias_refcount.values()):
            self.query.get_initial_alias()
        frame.anchor = self._row_source()
        prepared = super().pre_sql_setup(*args, **kwargs)  # type: ignore[misc]
        if frame.anchor and frame.outer and frame.anchor != frame.outer:
            same_home: Any = Exact(home_of(frame.anchor), home_of(frame.outer))
            self.where = WhereNode([same_home, *([self.where] if self.where is not None else [])])
        return prepared

    def _row_source(self) -> str | None:
        for alias, node in self.query.alias_map.items():
            if self.query.alias_refcount[alias]:
                return alias if isinstance(node, BaseTable) and _is_tenant_table(node.table_name) else None
        return None

    def get_from_clause(self) -> Any:
        """Return the FROM clause; ``extra(tables=...)`` is refused."""
        if self.query.extra_tables and _frame.get() is not None:
            _refuse("extra(tables=...)")
        return super().get_from_clause()  # type: ignore[misc]

    def collapse_group_by(self, expressions: Any, having: Any) -> Any:
        """Group by every column: a union has no primary key that the others would depend on."""
        frame = _frame.get()
        if frame is not None and frame.reads.homes is not None:
            return expressions
        return super().collapse_group_by(expressions, having)  # type: ignore[misc]

    def compile(self, node: Any) -> Any:
        """Compile one node; tables are qualified, raw SQL is refused."""
        frame = _frame.get()
        if frame is not None:
            if isinstance(node, (RawSQL, ExtraWhere)):
                _refuse("Raw SQL")
            if isinstance(node, (BaseTable, Join)):
                return self._qualified(node, frame)
        return super().compile(node)  # type: ignore[misc]

    # Tables

    def _qualified(self, node: Any, frame: _Frame) -> tuple[str, Any]:
        """Return Django's SQL of the table or join with the table's name replaced and the home equated."""
        sql, params = super().compile(node)  # type: ignore[misc]
        name = self.quote_name_unless_alias(node.table_name)  # type: ignore[attr-defined]
        alias = self.quote_name_unless_alias(node.table_alias)  # type: ignore[attr-defined]
        named = name if node.table_alias == node.table_name else f"{name} {node.table_alias}"
        before = f"{node.join_type} {named} ON (" if isinstance(node, Join) else named
        if not sql.startswith(before):
            _refuse(f"A {type(node).__name__} of {node.table_name}")
        rest = sql[len(before) :]
        table, tied = self._table(node.table_name, frame)
        if not isinstance(node, Join):
            return f"{table} {alias}{rest}", params
        home = _quote(HOME_COLUMN)
        if tied and frame.anchor is None:
            _refuse(f"A join from a shared table to {node.table_name}")
        same_home = f"{alias}.{home} = {self._alias(frame.anchor)}.{home} AND " if tied else ""
        return f"{node.join_type} {table} {alias} ON ({same_home}{rest}", params

    def _alias(self, alias: str | None) -> str:
        quoted: str = self.quote_name_unless_alias(alias)  # type: ignore[attr-defined]
        return quoted

    def _table(self, name: str, frame: _Frame) -> tuple[str, bool]:
        """Return what stands for the table in FROM, and whether it is a union that knows homes."""
        if not _is_tenant_table(name):
            return f"{_quote(PUBLIC_SCHEMA)}.{_quote(name)}", False
        if frame.reads.homes is None:
            (schema,) = frame.reads.schemas
            return f"{_quote(schema)}.{_quote(name)}", False
        if not frame.reads.schemas:
            return self._no_rows(name), True
        return _union(name, frame.reads), True

    def _no_rows(self, name: str) -> str:
        fields = _tables()[name][1]
        columns = [f"NULL::{field.db_type(self.connection)} AS {_quote(field.column)}" for field in fields]
        return f"(SELECT NULL::text AS {_quote(HOME_COLUMN)}, {', '.join(columns)} WHERE false)"
