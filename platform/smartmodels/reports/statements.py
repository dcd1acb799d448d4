"""Turn a queryset into SQL: for the namespace it reads, or to be rendered once per schema."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from smartmodels.context.many import ManySchemas

__all__ = ["PerSchema", "Statement", "compile_here", "compile_per_schema"]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with bound parameters; ``names`` and ``expressions`` (Django's) of its columns, in order."""

    sql: str
    params: tuple[Any, ...]
    names: tuple[str, ...]
    expressions: tuple[Any, ...]
    using: str


def _compile(query: Any, using: str) -> Statement:
    compiler = query.get_compiler(using=using, elide_empty=False)
    sql, params = compiler.as_sql()
    names = list(query.selected or ()) or [
        *query.extra_select,
        *query.values_select,
        *query.annotation_select,
    ]
    expressions = [expression for expression, *_ in compiler.select]
    return Statement(sql, tuple(params), tuple(names), tuple(expressions), using)


def compile_here(values: Any) -> Statement:
    """Compile a ``values()`` queryset as it is."""
    return _compile(values.query.clone(), values.db)


@dataclass(frozen=True, slots=True)
class PerSchema:
    """A statement compiled once, with a mark where the name of a schema goes."""

    statement: Statement
    mark: str

    def over(self, namespaces: Iterable[Any]) -> Statement:
        """Return the rows of all ``namespaces``, each row preceded by the slug of its own.

        Everything in the statement, joins, windows and slices included, stays within one namespace.
        """
        parts = [self._branch(namespace) for namespace in namespaces]
        return Statement(
            " UNION ALL ".join(parts),
            self.statement.params * len(parts),
            ("namespace", *self.statement.names),
            (None, *self.statement.expressions),
            self.statement.using,
        )

    def _branch(self, namespace: Any) -> str:
        schema = namespace.schema_name.replace('"', '""').replace("%", "%%")
        slug = namespace.slug.replace("'", "''").replace("%", "%%")
        branch = self.statement.sql.replace(self.mark, schema)
        return f"SELECT '{slug}'::text, of_one.* FROM ({branch}) of_one"  # noqa: S608 - quoted


def compile_per_schema(values: Any) -> PerSchema:
    """Compile a ``values()`` queryset once for any number of schemas; parameters stay bound.

    Raises ManySchemasUnsupported for what cannot be qualified, such as raw SQL.
    """
    query = values.query.clone()
    # Nothing else in a statement can read like this; text that comes from input is in the parameters.
    mark = f"schema-{secrets.token_hex(16)}"
    query.many_schemas = ManySchemas(schemas=(mark,))
    return PerSchema(_compile(query, values.db), mark)
