"""Lookups that Django does not have: LIKE with the caller's own wildcards, and comparison by code points."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Field, Func, Lookup

from smartmodels.rest.filtering.collations import folding_collation, is_by_code_point

__all__ = ["ByCodePoint"]

_Lookup: Any = Lookup


def _collated(sql: str, connection: Any) -> str:
    return sql if is_by_code_point(connection) else f'({sql}) COLLATE "C"'


class ByCodePoint(Func):
    """A text that is compared and ordered by code points, whatever the collation of the database."""

    output_field = CharField()
    arity = 1

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]
        """Return the text, with a collation if the database has another."""
        sql, params = compiler.compile(self.get_source_expressions()[0])
        return _collated(sql, connection), params


class _Binary(_Lookup):  # type: ignore[misc]
    operator = ""

    def left(self, sql: str, connection: Any) -> str:
        return sql

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return ``left operator right``."""
        left, params = self.process_lhs(compiler, connection)
        right, more = self.process_rhs(compiler, connection)
        return f"{self.left(left, connection)} {self.operator} {right}", (*params, *more)


class _ByCodePoint(_Binary):
    def left(self, sql: str, connection: Any) -> str:
        return _collated(sql, connection)


@Field.register_lookup
class CodePointGreater(_ByCodePoint):
    """``gt`` of texts."""

    lookup_name, operator = "code_point_gt", ">"


@Field.register_lookup
class CodePointGreaterOrEqual(_ByCodePoint):
    """``gte`` of texts."""

    lookup_name, operator = "code_point_gte", ">="


@Field.register_lookup
class CodePointLess(_ByCodePoint):
    """``lt`` of texts."""

    lookup_name, operator = "code_point_lt", "<"


@Field.register_lookup
class CodePointLessOrEqual(_ByCodePoint):
    """``lte`` of texts."""

    lookup_name, operator = "code_point_lte", "<="


@Field.register_lookup
class Like(_Binary):
    """SQL's LIKE: anchored, ``%`` and ``_``, escaped by a backslash."""

    lookup_name, operator = "sql_like", "LIKE"


class _Folding(_Binary):
    def left(self, sql: str, connection: Any) -> str:
        collation = folding_collation(connection)
        return sql if collation is None else f'({sql}) COLLATE "{collation}"'


@Field.register_lookup
class ILike(_Folding):
    """LIKE that takes capital and small letters of any alphabet for the same."""

    lookup_name, operator = "sql_ilike", "ILIKE"


@Field.register_lookup
class Matches(_Binary):
    """A regular expression in PostgreSQL's own form."""

    lookup_name, operator = "sql_regexp", "~"


@Field.register_lookup
class IMatches(_Folding):
    """A regular expression that takes capital and small letters for the same."""

    lookup_name, operator = "sql_iregexp", "~*"
