"""A row as JSON, written by PostgreSQL in one column of text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db.models import DateTimeField, Expression, TextField
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from smartmodels.context import require_namespace
from smartmodels.rest.lists.compiling import Column
from smartmodels.rest.lists.json_values import Writer, writer_of

__all__ = ["JsonRow", "escaped_separators", "json_row"]

_ARGUMENTS = 50  # a function of PostgreSQL takes no more than 100


def json_row(columns: Sequence[Column]) -> JsonRow | None:
    """Return the expression for rows of these columns; None if PostgreSQL might write one otherwise.

    Built in one piece, for one node of Django's query costs less than one per column.
    """
    if not (JSONRenderer.compact and JSONRenderer.strict) or JSONRenderer.ensure_ascii:
        return None
    writers = [None if column.stored is None else writer_of(column) for column in columns]
    for column, writer in zip(columns, writers, strict=True):
        if writer is None and column.stored is not None:
            return None
        if isinstance(column.stored, DateTimeField) and timezone.get_current_timezone_name() != "UTC":
            return None
    return JsonRow(columns, writers)


class JsonRow(Expression):
    """The text of a JSON object with one member per column."""

    output_field = TextField()

    def __init__(self, columns: Sequence[Column], writers: Sequence[Writer | None]) -> None:
        super().__init__()
        self._columns, self._writers = columns, writers

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return the concatenation of names and values."""
        table = connection.ops.quote_name(compiler.query.get_initial_alias())
        pieces, params, opening = [], [], "{"
        for column, writer in zip(self._columns, self._writers, strict=True):
            name = f"{opening}{json.dumps(column.name, ensure_ascii=False)}:".replace("'", "''")
            pieces.append(f"'{name.replace('%', '%%')}'")
            opening = ","
            if writer is None:
                sql, more = self._home(compiler)
                params += more
            else:
                sql = writer(f"{table}.{connection.ops.quote_name(column.stored.column)}")
            pieces.append(sql)
        return _concatenated([*pieces, "'}'" if self._columns else "'{}'"]), params

    @staticmethod
    def _home(compiler: Any) -> tuple[str, list[Any]]:
        """Return the namespace of the row: what a queryset over several says, else the bound one."""
        told = compiler.query.annotations.get("home")
        if told is None:
            return "to_json(%s::text)::text", [require_namespace().slug]
        sql, params = compiler.compile(told)
        return f"to_json({sql})::text", list(params)


def _concatenated(pieces: list[str]) -> str:
    if len(pieces) <= _ARGUMENTS:
        return f"concat({', '.join(pieces)})"
    parts = [pieces[first : first + _ARGUMENTS] for first in range(0, len(pieces), _ARGUMENTS)]
    return _concatenated([_concatenated(part) for part in parts])


def escaped_separators(text: str) -> str:
    """Return JSON in which U+2028 and U+2029 are escaped, as Django REST framework does."""
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
