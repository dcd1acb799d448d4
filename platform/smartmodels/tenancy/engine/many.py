"""Render a query over many schemas: its FROM clause is replaced, everything else is Django's own SQL.

Two renderings, chosen by :class:`~smartmodels.context.many.ManySchemas`. A union: the FROM clause, joins
included, is rendered once per schema, ``(SELECT 'alpha' AS "__home", ... FROM "t_alpha"."x" "x" INNER JOIN
"t_alpha"."y" ... UNION ALL ...) "x"``, so that rows meet only rows of their own schema and PostgreSQL plans
every branch by that schema's statistics; subqueries are tied to the home of the row around them. A union
without joins is flattened by PostgreSQL, which then merges the branches in index order. Or one schema: the
tables are qualified by it. Shared tables are qualified by ``public``. What names tables in ways that cannot
be qualified (raw SQL) is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NoReturn, cast

from django.apps import apps
from django.db.models.expressions import Col, RawSQL
from django.db.models.lookups import Exact, In
from django.db.models.sql import Query
from django.db.models.sql.datastructures import BaseTable, Join
from django.db.models.sql.where import ExtraWhere, WhereNode

from smartmodels.context import PUBLIC_SCHEMA
from smartmodels.context.many import HOME_COLUMN, ManySchemas, home_of
from smartmodels.exceptions import ManySchemasUnsupported
from smartmodels.tenancy.placement import is_tenant_model

__all__ = ["ManySchemasRendering", "reads_one_schema", "rendering_many"]

_MARK = f"schema-{secrets.token_hex(16)}"
"""Stands for the name of a schema in a branch; nothing else in a statement can read like it."""


@dataclass(slots=True)
class _Frame:
    """One SELECT being compiled, inside the one ``around`` it.

    ``anchor`` is the alias of its row source, which the whole union goes by; ``outer`` that of the SELECT
    whose row a subquery is about. ``members`` is the subquery of an IN that is being compiled; a SELECT that
    ``gives_home`` is one, and answers with the home beside the value.
    """

    reads: ManySchemas
    query: Any
    around: _Frame | None
    outer: str | None = None
    anchor: str | None = None
    members: Any = None
    gives_home: bool = False

    def column(self, alias: str, name: str) -> tuple[str, str] | None:
        """Return the alias and name a joined column goes by outside of its union, None for every other."""
        if alias not in self.query.alias_map:
            return self.around.column(alias, name) if self.around is not None else None
        if self.anchor is None or alias == self.anchor:
            return None
        return self.anchor, _joined(self.query, alias, name)


_frame: ContextVar[_Frame | None] = ContextVar("smartmodels_many_schemas", default=None)


@contextmanager
def _entered(frame: _Frame) -> Iterator[None]:
    token = _frame.set(frame)
    try:
        yield
    finally:
        _frame.reset(token)


def reads_one_schema(query: Any) -> bool:
    """Tell whether neither ``query`` nor one around it reads many schemas."""
    return _frame.get() is None and getattr(query, "many_schemas", None) is None


@contextmanager
def rendering_many(query: Any) -> Iterator[ManySchemas]:
    """Say for the block what ``query``, which does not read one schema, reads, and yield it.

    A subquery reads what the query around it reads, each row's own namespace, unless it says itself what
    it reads.
    """
    around = _frame.get()
    reads: ManySchemas | None = getattr(query, "many_schemas", None)
    frame = _Frame(cast(ManySchemas, reads), query, around)
    if reads is None and around is not None:
        frame.reads, frame.outer = replace(around.reads, keys=None), around.anchor or around.outer
        frame.gives_home = query is around.members
    with _entered(frame):
        yield frame.reads


# Tables and names


def _refuse(what: str) -> NoReturn:
    raise ManySchemasUnsupported(
        f"{what} cannot be read over many schemas: express it with the ORM, or run it in each namespace."
    )


@cache
def _tables() -> dict[str, tuple[bool, tuple[Any, ...]]]:
    """Return every known table: whether it stands in the namespaces' schemas, and its columns' fields."""
    models = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
    return {
        model._meta.db_table: (is_tenant_model(model), tuple(model._meta.local_concrete_fields))
        for model in models
    }


def _table(name: str) -> tuple[bool, tuple[Any, ...]]:
    known = _tables().get(name)
    if known is None:
        _refuse(f"The table {name}, which belongs to no installed model,")
    return known


def _joined(query: Any, alias: str, column: str) -> str:
    """Return the short name of a joined column: PostgreSQL cuts long ones, and then they may collide."""
    columns = [field.column for field in _table(query.alias_map[alias].table_name)[1]]
    return f"{list(query.alias_map).index(alias)}.{columns.index(column)}"


def _quote(name: str) -> str:
    # The text still passes through the substitution of parameters.
    return '"{}"'.format(name.replace('"', '""').replace("%", "%%"))


def _literal(value: str) -> str:
    return "'{}'::text".format(value.replace("'", "''").replace("%", "%%"))


def _is_plain(query: Any) -> bool:
    """Tell whether the rows of a subquery are the same whether it is run for one home or for all."""
    if not isinstance(query, Query) or getattr(query, "many_schemas", None) is not None:
        return False
    if query.model is None or not is_tenant_model(query.model):
        return False
    if query.is_sliced or query.combinator or query.distinct_fields or query.group_by is not None:
        return False
    parts: list[Any] = [query.where, *query.annotations.values()]
    return not any(part.contains_aggregate or part.contains_over_clause for part in parts)


class ManySchemasRendering:
    """Mixin of the SELECT compiler. Outside of :func:`rendering_many` it changes nothing."""

    query: Any
    connection: Any
    select: Any
    where: Any

    # Once per SELECT

    def pre_sql_setup(self, *args: Any, **kwargs: Any) -> Any:
        """Find the row source, so that subqueries can refer to it, and tie this one to the SELECT around."""
        frame = _frame.get()
        if frame is None or frame.reads.homes is None or self.query.combinator:
            return super().pre_sql_setup(*args, **kwargs)  # type: ignore[misc]
        if not any(self.query.alias_refcount.values()):
            self.query.get_initial_alias()
        frame.anchor = self._row_source()
        prepared = super().pre_sql_setup(*args, **kwargs)  # type: ignore[misc]
        if frame.gives_home and frame.anchor:
            home = home_of(frame.anchor)
            self.select = [*self.select, (home, self.compile(home), None)]
        elif frame.anchor and frame.outer and frame.anchor != frame.outer:
            same_home: Any = Exact(home_of(frame.anchor), home_of(frame.outer))
            self.where = WhereNode([same_home, *([self.where] if self.where is not None else [])])
        return prepared

    def _row_source(self) -> str | None:
        for alias in self._used():
            node = self.query.alias_map[alias]
            return alias if isinstance(node, BaseTable) and _table(node.table_name)[0] else None
        return None

    def _used(self) -> Iterator[str]:
        return (alias for alias in self.query.alias_map if self.query.alias_refcount[alias])

    def collapse_group_by(self, expressions: Any, having: Any) -> Any:
        """Group by every column: a union has no primary key that the others would depend on."""
        frame = _frame.get()
        if frame is not None and frame.reads.homes is not None:
            return expressions
        return super().collapse_group_by(expressions, having)  # type: ignore[misc]

    def get_from_clause(self) -> Any:
        """Return the FROM clause: of the union if there is one; ``extra(tables=...)`` is refused."""
        frame = _frame.get()
        if frame is not None and self.query.extra_tables:
            _refuse("extra(tables=...)")
        if frame is None or frame.reads.homes is None:
            return super().get_from_clause()  # type: ignore[misc]
        return self._union(frame)

    # The union

    def _union(self, frame: _Frame) -> tuple[list[str], list[Any]]:
        # A branch is planned for one schema, whose name is a mark until all branches are written down.
        with _entered(_Frame(ManySchemas(schemas=(_MARK,)), self.query, frame)):
            clause, params = super().get_from_clause()  # type: ignore[misc]
        if frame.anchor is None:
            if any(_table(self.query.alias_map[alias].table_name)[0] for alias in self._used()):
                _refuse("A join from a shared table to one of a namespace")
            return clause, params
        columns = list(self._columns(frame.anchor))
        # A column keeps its name: the statement is a quarter shorter without saying so.
        selected = ", ".join(
            source if name == field.column else f"{source} AS {_quote(name)}"
            for source, name, field in columns
        )
        branch = f"AS {_quote(HOME_COLUMN)}, {selected} FROM {' '.join(clause)}"
        narrowed, reads = self._narrowed(frame.anchor), frame.reads
        branches: list[str] = []
        given: list[Any] = []
        for number, (schema, home) in enumerate(zip(reads.schemas, reads.homes or (), strict=True)):
            keys = None if reads.keys is None else reads.keys[number]
            where = "" if keys is None else narrowed
            branches.append(f"SELECT {_literal(home)} {branch.replace(_quote(_MARK), _quote(schema))}{where}")
            given += params if keys is None else [*params, keys]
        union = " UNION ALL ".join(branches) or self._no_rows(columns)
        return [f"({union}) {self._name(frame.anchor)}"], given

    def _narrowed(self, anchor: str) -> str:
        """Return the condition that a row of the union has one of some keys, which are a parameter."""
        key = next(field for field in _table(self.query.alias_map[anchor].table_name)[1] if field.primary_key)
        return f" WHERE {self._name(anchor)}.{_quote(key.column)} = ANY(%s::{key.db_type(self.connection)}[])"

    def _columns(self, anchor: str) -> Iterator[tuple[str, str, Any]]:
        """Yield (column, the name it goes by outside, field) of every column of every table."""
        for alias in self._used():
            for field in _table(self.query.alias_map[alias].table_name)[1]:
                source = f"{self._name(alias)}.{_quote(field.column)}"
                name = field.column if alias == anchor else _joined(self.query, alias, field.column)
                yield source, name, field

    def _no_rows(self, columns: list[tuple[str, str, Any]]) -> str:
        nulls = [f"NULL::{field.db_type(self.connection)} AS {_quote(name)}" for _, name, field in columns]
        return f"SELECT NULL::text AS {_quote(HOME_COLUMN)}, {', '.join(nulls)} WHERE false"

    # Once per node

    def _name(self, name: str) -> str:
        """Return a table's name or an alias as Django writes it: aliases are quoted from Django 6.1 on."""
        write = getattr(self, "quote_name", None) or self.quote_name_unless_alias  # type: ignore[attr-defined]
        written: str = write(name)
        return written

    def compile(self, node: Any) -> Any:
        """Compile one node: tables are qualified, joined columns go by new names, raw SQL is refused."""
        frame = _frame.get()
        if frame is None:
            return super().compile(node)  # type: ignore[misc]
        if isinstance(node, (RawSQL, ExtraWhere)):
            _refuse("Raw SQL")
        if isinstance(node, (BaseTable, Join)):
            return self._qualified(node, frame)
        if isinstance(node, In) and frame.anchor and _is_plain(node.rhs):
            return self._membership(node, frame)
        if isinstance(node, Col) and node.alias:
            renamed = frame.column(node.alias, str(node.target.column))
            if renamed is not None:
                alias, name = renamed
                return f"{self._name(alias)}.{_quote(name)}", []
        return super().compile(node)  # type: ignore[misc]

    def _membership(self, node: Any, frame: _Frame) -> tuple[str, Any]:
        """Return Django's SQL of an IN, but of the value together with its home.

        Tied to the row around it like other subqueries, it would be run again for every row (PostgreSQL
        before version 17).
        """
        value, _ = node.process_lhs(self, self.connection)
        frame.members = node.rhs
        try:
            sql, params = super().compile(node)  # type: ignore[misc]
        finally:
            frame.members = None
        if not sql.startswith(f"{value} IN (SELECT "):
            _refuse(f"A {type(node).__name__} of this kind")
        home, _ = self.compile(home_of(frame.anchor or ""))
        return f"({value}, {home}){sql[len(value) :]}", params

    def _qualified(self, node: Any, frame: _Frame) -> tuple[str, Any]:
        """Return Django's SQL of the table or join with the table's name replaced."""
        sql, params = super().compile(node)  # type: ignore[misc]
        name, alias = self._name(node.table_name), self._name(node.table_alias)
        named = name if node.table_alias == node.table_name else f"{name} {alias}"
        before = f"{node.join_type} {named} ON (" if isinstance(node, Join) else named
        if not sql.startswith(before):
            _refuse(f"A {type(node).__name__} of {node.table_name}")
        (schema,) = frame.reads.schemas if _table(node.table_name)[0] else (PUBLIC_SCHEMA,)
        placed = f"{_quote(schema)}.{_quote(node.table_name)} {self._name(node.table_alias)}"
        if isinstance(node, Join):
            placed = f"{node.join_type} {placed} ON ("
        return placed + sql[len(before) :], params
