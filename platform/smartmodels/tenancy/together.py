"""Rows of several tables and the questions about them in one message: what else would be a trip for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.models import sql
from django.db.models.expressions import DatabaseDefault

__all__ = ["Statement", "insert_together"]

Statement = tuple[str, Sequence[Any]]


def insert_together(rows: Sequence[Any], *then: Statement, using: str = "default") -> list[list[Any]]:
    """Insert the rows, unsaved objects of any models, then send the statements; return their results.

    One message, in this order; a later statement sees what was committed while an earlier one waited. No
    signals are sent. Values that the database chooses are set in the objects. Raises what the database
    raises, as a save does.
    """
    inserts = [_insert(row, using) for row in rows]
    compiled = [text_and_values for _, _, text_and_values in inserts]
    message = ";\n".join(text for text, _ in (*compiled, *then))
    values = [value for _, several in (*compiled, *then) for value in several]
    with connections[using].cursor() as cursor:
        cursor.execute(message, values)
        results = _results(cursor)
    for row, (compiler, fields, _), found in zip(rows, inserts, results, strict=False):
        _settle(row, compiler, fields, found, using)
    return results[len(rows) :]


def _insert(row: Any, using: str) -> tuple[Any, list[Any], Statement]:
    meta = row._meta
    given, chosen = [], []
    for field in meta.local_concrete_fields:
        value = getattr(row, field.attname)
        if isinstance(value, DatabaseDefault) or (value is None and field.primary_key):
            chosen.append(field)
        elif value is not None or field.has_db_default():
            given.append(field)
    query = sql.InsertQuery(row.__class__)
    query.insert_values(given, [row])
    compiler: Any = query.get_compiler(using)
    compiler.returning_fields = chosen
    ((text, values),) = compiler.as_sql()
    return compiler, chosen, (text, values)


def _results(cursor: Any) -> list[list[Any]]:
    results = []
    while True:
        results.append(cursor.fetchall() if cursor.description else [])
        if not cursor.nextset():
            return results


def _settle(row: Any, compiler: Any, fields: list[Any], found: list[Any], using: str) -> None:
    """Take over what the database chose."""
    if fields:
        converters = compiler.get_converters([field.get_col(row._meta.db_table) for field in fields])
        (values,) = compiler.apply_converters(found, converters) if converters else found
        for field, value in zip(fields, values, strict=True):
            setattr(row, field.attname, value)
    row._state.adding, row._state.db = False, using
