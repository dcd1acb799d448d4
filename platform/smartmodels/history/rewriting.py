"""The statements of a revert: values are copied from versions by the database, so that they are exact."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections, router

from smartmodels.conf import settings
from smartmodels.context import require_operation
from smartmodels.history.plans import RowPlan
from smartmodels.history.records import history_model
from smartmodels.history.touched import chunks, key_type
from smartmodels.history.tracking import TrackedLink
from smartmodels.history.writers import statement_done

__all__ = ["copy_columns", "cut_links", "insert_rows", "tie_links"]

Numbered = list[tuple[Any, int]]


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _execute(model: Any, sql: str, params: list[Any]) -> int:
    with connections[router.db_for_write(model)].cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def _stamps(model: Any) -> tuple[list[str], list[Any]]:
    """Return the columns that every write sets, as assignments, and the values for them."""
    user = require_operation().actor.user_id or settings().SENTINEL_UID
    known = {field.attname: field.column for field in model._meta.concrete_fields}
    stamps = [("updated_at", "clock_timestamp()", []), ("updated_by_id", "%s::uuid", [str(user)])]
    present = [each for each in stamps if each[0] in known]
    assignments = [f"{_quoted(known[name])} = {value}" for name, value, _ in present]
    return assignments, [value for _, _, values in present for value in values]


def copy_columns(model: Any, columns: Iterable[str], numbered: Numbered) -> int:
    """Set columns of rows to what a version says, for (key, number of the version); return how many rows."""
    options = model._meta
    names = [_quoted(options.get_field(column).column) for column in sorted(columns)]
    stamps, values = _stamps(model)
    assignments = ", ".join([*(f"{name} = h.{name}" for name in names), *stamps])
    sql = (
        f"UPDATE {_quoted(options.db_table)} t SET {assignments} "  # noqa: S608 - names of the models' own
        f"FROM unnest(%s::{key_type(model, router.db_for_write(model))}[], %s::bigint[]) AS k(key, number) "
        f"JOIN {_quoted(history_model(model)._meta.db_table)} h ON h.history_id = k.number "
        f"WHERE t.{_quoted(options.pk.column)} = k.key"
    )
    written = 0
    for part in chunks(numbered):
        keys, numbers = ([*column] for column in zip(*part, strict=True))
        written += _execute(model, sql, [*values, keys, numbers])
        statement_done(options.db_table, keys, router.db_for_write(model))
    return written


def _closed(rows: Iterable[RowPlan]) -> list[uuid.UUID]:
    """Return the accounts among the owners of the rows that cannot own anything any more."""
    names = ("owner_id", "owner_before_deletion_id")
    sources = [row.source.values for row in rows if row.source is not None]
    owners = {values[name] for values in sources for name in names if values.get(name) is not None}
    owners -= {uuid.UUID(settings().SENTINEL_UID)}
    users: Any = get_user_model()
    active = set(users._base_manager.filter(pk__in=owners, is_active=True).values_list("pk", flat=True))
    return sorted(owners - active)


def _inserted(field: Any, closed: list[uuid.UUID]) -> tuple[str, list[Any]]:
    """Return the value of a column in an insertion: what closed accounts owned is the sentinel's."""
    column, sentinel = f"h.{_quoted(field.column)}", settings().SENTINEL_UID
    if field.attname in ("owner_id", "owner_before_deletion_id"):
        return f"CASE WHEN {column} = ANY(%s::uuid[]) THEN %s::uuid ELSE {column} END", [closed, sentinel]
    if field.attname == "former_owner_id":
        left = "CASE WHEN h.{0} = ANY(%s::uuid[]) THEN h.{0} END"
        parts = [left.format(_quoted(name)) for name in ("owner_id", "owner_before_deletion_id")]
        return f"coalesce({', '.join(parts)}, {column})", [closed, closed]
    return column, []


def insert_rows(model: Any, rows: list[RowPlan]) -> int:
    """Insert purged rows again as their versions say, under their old keys; return how many."""
    options, history = model._meta, history_model(model)
    tracked = {field.attname for field in history.tracked_fields}
    closed = _closed(rows)
    columns, values, params = [], [], list[Any]()
    for field in options.local_concrete_fields:
        if field.attname in tracked:
            value, given = _inserted(field, closed)
        else:
            connection = connections[router.db_for_write(model)]
            value, given = "%s", [field.get_db_prep_save(field.get_default(), connection)]
        columns.append(_quoted(field.column))
        values.append(value)
        params += given
    sql = (
        f"INSERT INTO {_quoted(options.db_table)} ({', '.join(columns)}) SELECT {', '.join(values)} "  # noqa: S608
        f"FROM {_quoted(history._meta.db_table)} h WHERE h.history_id = ANY(%s::bigint[])"
    )
    numbers = [row.source.version for row in rows if row.source is not None]
    written = sum(_execute(model, sql, [*params, part]) for part in chunks(numbers))
    statement_done(options.db_table, [row.pk for row in rows], router.db_for_write(model))
    return written


def _link_params(model: Any, link: TrackedLink) -> str:
    using = router.db_for_write(model)
    return f"unnest(%s::{key_type(model, using)}[], %s::{key_type(link.target, using)}[]) AS k(a, b)"


def tie_links(model: Any, link: TrackedLink, pairs: list[tuple[Any, Any]]) -> None:
    """Link rows to others, given as (key, key); what is linked already stays."""
    source, target = map(_quoted, link.columns)
    sql = (
        f"INSERT INTO {_quoted(link.through._meta.db_table)} ({source}, {target}) "  # noqa: S608
        f"SELECT k.a, k.b FROM {_link_params(model, link)} ON CONFLICT DO NOTHING"
    )
    _for_each_pair(model, link, pairs, sql)


def cut_links(model: Any, link: TrackedLink, pairs: list[tuple[Any, Any]]) -> None:
    """Remove links, given as (key, key)."""
    source, target = map(_quoted, link.columns)
    sql = (
        f"DELETE FROM {_quoted(link.through._meta.db_table)} t USING {_link_params(model, link)} "  # noqa: S608
        f"WHERE t.{source} = k.a AND t.{target} = k.b"
    )
    _for_each_pair(model, link, pairs, sql)


def _for_each_pair(model: Any, link: TrackedLink, pairs: list[tuple[Any, Any]], sql: str) -> None:
    for part in chunks(pairs):
        _execute(model, sql, [[*column] for column in zip(*part, strict=True)])
        statement_done(link.through._meta.db_table, [key for key, _ in part], router.db_for_write(model))
