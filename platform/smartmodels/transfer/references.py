"""What rows of a namespace refer to in the public schema: accounts and content types, by columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings

from smartmodels.tenancy.placement import tenant_models
from smartmodels.tenancy.triggers import quoted
from smartmodels.transfer.catalogue import Table, qualified

__all__ = [
    "ACCOUNTS",
    "ANCHORS",
    "KINDS",
    "SHARED",
    "account_columns",
    "kind_columns",
    "referred",
    "user_model",
]

ACCOUNTS, ANCHORS, KINDS = "accounts", "anchors", "content_types"
SHARED = {
    ACCOUNTS: ("id", "email", "name"),
    ANCHORS: ("slug", "position", "chain", "made_at"),
    KINDS: ("id", "app_label", "model"),
}
"""Shared tables of an archive: their columns."""

# Keys of accounts that are no foreign keys; they bear these names wherever they stand.
_BY_VALUE = frozenset({"history_user_id", "former_owner_id", "owner_before_deletion_id", "created_by_id"})
_KINDS = "contenttypes.contenttype"


def user_model() -> Any:
    """Return the model of accounts."""
    return apps.get_model(django_settings.AUTH_USER_MODEL)


def _pointing_at(label: str) -> dict[str, set[str]]:
    """Return the columns of foreign keys to a model, by table."""
    found: dict[str, set[str]] = {}
    for model in tenant_models():
        for field in model._meta.concrete_fields:
            to = field.remote_field.model if field.remote_field is not None else None
            if to is not None and to._meta.label_lower == label:
                found.setdefault(model._meta.db_table, set()).add(str(field.column))
    return found


def account_columns(tables: Iterable[Table]) -> dict[str, tuple[str, ...]]:
    """Return the columns that hold keys of accounts, by table."""
    keys = _pointing_at(user_model()._meta.label_lower)
    found = {
        table.name: tuple(
            name
            for name, kind in table.types.items()
            if name in keys.get(table.name, ()) or (name in _BY_VALUE and kind == "uuid")
        )
        for table in tables
    }
    return {name: columns for name, columns in found.items() if columns}


def kind_columns(tables: Iterable[Table]) -> dict[str, tuple[str, ...]]:
    """Return the columns that hold keys of content types, by table."""
    keys = _pointing_at(_KINDS)
    found = {table.name: tuple(sorted(keys.get(table.name, set()) & set(table.types))) for table in tables}
    return {name: columns for name, columns in found.items() if columns}


def _distinct(schema: str, columns: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for table, names in columns.items():
        values = ", ".join(f"(t.{quoted(name)})" for name in names)
        yield (
            f"SELECT DISTINCT key FROM {qualified(schema, table)} t "  # noqa: S608 - names of the catalogue
            f"CROSS JOIN LATERAL (VALUES {values}) AS held (key) WHERE key IS NOT NULL"
        )


def referred(schema: str, columns: dict[str, tuple[str, ...]], kind: str) -> str:
    """Return SQL for the distinct keys, of type ``kind``, that stand in the columns."""
    return " UNION ".join(_distinct(schema, columns)) or f"SELECT NULL::{kind} AS key WHERE false"
