"""A row as JSON, written by PostgreSQL in one column of text."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Expression, TextField
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from smartmodels.rest.lists.compiling import Column
from smartmodels.rest.lists.json_values import Writer, writer_of

__all__ = ["JsonRow", "escaped_separators", "json_row"]

_ARGUMENTS = 50  # a function of PostgreSQL takes no more than 100


def json_row(columns: tuple[Column, ...]) -> JsonRow | None:
    """Return the expression for rows of these columns; None if PostgreSQL might write one otherwise.

    Built in one piece, for one node of Django's query costs less than one per column.
    """
    if not (JSONRenderer.compact and JSONRenderer.strict) or JSONRenderer.ensure_ascii:
        return None
    in_utc = timezone.get_current_timezone_name() == "UTC"
    if not in_utc and any(isinstance(column.stored, DateTimeField) for column in columns):
        return None
    return None if _writers(columns) is None else JsonRow(columns)


@lru_cache(maxsize=1024)
def _writers(columns: tuple[Column, ...]) -> tuple[Writer | None, ...] | None:
    """Return what writes each column, None for what is told beside them; None if there is none for one."""
    writers = tuple(None if column.stored is None else writer_of(column) for column in columns)
    known = zip(columns, writers, strict=True)
    return None if any(writer is None and column.stored is not None for column, writer in known) else writers


class JsonRow(Expression):
    """The text of a JSON object with one member per column."""

    output_field = TextField()

    def __init__(self, columns: tuple[Column, ...]) -> None:
        super().__init__()
        self._columns = columns

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return the concatenation of names and values."""
        pieces, params = [], []
        for column in self._columns:
            if column.stored is None:
                sql, more = _told(column, compiler)
                pieces.append(sql)
                params += more
        return _sql(self._columns, compiler.query.get_initial_alias(), tuple(pieces)), params


def _told(column: Column, compiler: Any) -> tuple[str, list[Any]]:
    """Return what is said beside the columns: by a queryset over several namespaces, else what is usual."""
    said = compiler.query.annotations.get(column.field.told)
    sql, params = ("%s", [column.field.usual()]) if said is None else compiler.compile(said)
    return f"coalesce(to_json(({sql})::{column.field.kind})::text, 'null')", list(params)


@lru_cache(maxsize=1024)
def _sql(columns: tuple[Column, ...], alias: str, told: tuple[str, ...]) -> str:
    """Return SQL of the object; ``told`` is what its columns that are not stored say."""
    beside = iter(told)
    pieces, opening = [], "{"
    for column, writer in zip(columns, _writers(columns) or (), strict=True):
        name = f"{opening}{json.dumps(column.name, ensure_ascii=False)}:".replace("'", "''")
        pieces.append(f"'{name.replace('%', '%%')}'")
        stored = column.stored
        pieces.append(
            next(beside) if writer is None else writer(f"{_quoted(alias)}.{_quoted(stored.column)}")
        )
        opening = ","
    return _concatenated([*pieces, "'}'" if columns else "'{}'"])


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name)).replace("%", "%%")


def _concatenated(pieces: list[str]) -> str:
    if len(pieces) <= _ARGUMENTS:
        return f"concat({', '.join(pieces)})"
    parts = [pieces[first : first + _ARGUMENTS] for first in range(0, len(pieces), _ARGUMENTS)]
    return _concatenated([_concatenated(part) for part in parts])


def escaped_separators(text: str) -> str:
    """Return JSON in which U+2028 and U+2029 are escaped, as Django REST framework does."""
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
