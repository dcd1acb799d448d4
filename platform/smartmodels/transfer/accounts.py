"""Which account of this installation each account of an archive is, and what that changes in its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import connection

from smartmodels.history import history_model, tracked_models
from smartmodels.ownership import sentinel_id
from smartmodels.tenancy.triggers import quoted
from smartmodels.transfer.archive import ArchiveReader, refuse
from smartmodels.transfer.catalogue import Table, qualified
from smartmodels.transfer.loading import copy_in
from smartmodels.transfer.manifest import Manifest
from smartmodels.transfer.references import ACCOUNTS, KINDS, account_columns, kind_columns, user_model

__all__ = [
    "Owners",
    "erasing",
    "map_accounts",
    "map_identities",
    "map_kinds",
    "move_keys",
    "read_references",
]

_BATCH = 1000


class Owners(StrEnum):
    """What becomes of accounts: known ones are matched by key, then by address, and of others..."""

    CREATE = "create"
    """...inactive accounts are made, which nobody can use: no password, no memberships."""
    MATCH = "match"
    """...the sentinel takes over what they own and made."""
    SENTINEL = "sentinel"
    """The sentinel takes over everything, from known accounts as well."""


_TABLES = f"""
    CREATE TEMP TABLE transfer_{ACCOUNTS} (id uuid PRIMARY KEY, email text NOT NULL, name text NOT NULL)
        ON COMMIT DROP;
    CREATE TEMP TABLE transfer_{KINDS} (id integer PRIMARY KEY, app_label text NOT NULL, model text NOT NULL)
        ON COMMIT DROP;
    CREATE TEMP TABLE map_{ACCOUNTS} (old uuid PRIMARY KEY, new uuid) ON COMMIT DROP;
    CREATE TEMP TABLE map_{KINDS} (old integer PRIMARY KEY, new integer) ON COMMIT DROP;
"""
_KNOWN = """
    INSERT INTO map_accounts SELECT a.id, coalesce(same.id, known.id)
    FROM transfer_accounts a LEFT JOIN {users} same ON same.id = a.id
    LEFT JOIN {users} known ON lower(known.email) = lower(a.email)
    WHERE coalesce(same.id, known.id) IS NOT NULL
"""
_UNKNOWN = """
    SELECT id, email, name FROM transfer_accounts a
    WHERE NOT EXISTS (SELECT FROM map_accounts m WHERE m.old = a.id) ORDER BY id LIMIT %s
"""
_MADE = "INSERT INTO map_accounts SELECT key, key FROM unnest(%s::uuid[]) AS made (key)"
_REST = "INSERT INTO map_accounts SELECT id, %s FROM transfer_accounts ON CONFLICT DO NOTHING"
_SENTINEL = "INSERT INTO map_accounts VALUES (%s, %s) ON CONFLICT (old) DO UPDATE SET new = excluded.new"
_KINDS_HERE = """
    INSERT INTO map_content_types SELECT a.id, c.id FROM transfer_content_types a
    LEFT JOIN public.django_content_type c ON c.app_label = a.app_label AND c.model = a.model
"""
_KINDS_UNKNOWN = """
    SELECT a.app_label || '.' || a.model FROM transfer_content_types a
    JOIN map_content_types m ON m.old = a.id WHERE m.new IS NULL
"""


def _execute(sql: str, params: list[Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall()) if cursor.description else []


def read_references(reader: ArchiveReader, manifest: Manifest) -> None:
    """Load what the archive says of accounts and content types, for the rest of the transaction."""
    _execute(_TABLES)
    for name in (ACCOUNTS, KINDS):
        copy_in(f"pg_temp.transfer_{name}", manifest.part(name), reader)


def map_accounts(sentinel: str, owners: Owners) -> int:
    """Settle which account each one is here, the archive's sentinel first; return how many were made."""
    made = 0
    if owners is not Owners.SENTINEL:
        _execute(_KNOWN.format(users=qualified("public", user_model()._meta.db_table)))
        if owners is Owners.CREATE:
            made = _make_unknown()
    _execute(_REST, [sentinel_id()])
    _execute(_SENTINEL, [sentinel, sentinel_id()])
    return made


def _make_unknown() -> int:
    """Make accounts that nobody can use for those that are unknown here; return how many."""
    model, made = user_model(), 0
    while unknown := _execute(_UNKNOWN, [_BATCH]):
        users = [
            model(pk=key, email=email, name=name, is_active=False, password=make_password(None))
            for key, email, name in unknown
        ]
        for user in users:
            _require_valid(user)
        model.objects.bulk_create(users)
        _execute(_MADE, [[user.pk for user in users]])
        made += len(users)
    return made


def _require_valid(user: Any) -> None:
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        raise refuse(f"the account {user.email[:100]!r} is none: {' '.join(error.messages)}") from error


def map_kinds() -> None:
    """Settle which content type each one is here; raise ArchiveInvalid for one that is not here."""
    _execute(_KINDS_HERE)
    if unknown := _execute(_KINDS_UNKNOWN):
        raise refuse(f"it refers to {unknown[0][0]}, which this installation does not have.")


def map_identities(accounts: str) -> None:
    """Begin a map without an archive: of the accounts that ``accounts``, a query for keys, finds."""
    _execute(_TABLES)
    _execute(f"INSERT INTO transfer_accounts SELECT key, '', '' FROM ({accounts}) AS held")  # noqa: S608


@contextmanager
def erasing() -> Iterator[None]:
    """Let versions be changed until the block ends; the ledger records it."""
    _execute("SELECT set_config('smartmodels.erasure', 'erase', true)")
    yield
    _execute("SELECT set_config('smartmodels.erasure', '', true)")


def move_keys(schema: str, tables: Iterable[Table], *, versions: bool) -> None:
    """Replace keys of accounts and content types by what they are here.

    Those in tables of versions if ``versions``, where the ledger takes note, else those in all others.
    """
    recorded = {history_model(model)._meta.db_table for model in tracked_models()}
    chosen = {table.name: table for table in tables if (table.name in recorded) is versions}
    for what, columns in (
        (ACCOUNTS, account_columns(chosen.values())),
        (KINDS, kind_columns(chosen.values())),
    ):
        if _execute(f"SELECT EXISTS (SELECT FROM map_{what} WHERE old <> new)")[0][0]:  # noqa: S608
            for name, keys in columns.items():
                _execute(_moved(schema, name, keys, what))


def _moved(schema: str, table: str, keys: Sequence[str], what: str) -> str:
    """Return one statement for all columns, so that a version is changed, and recorded, once."""
    sets = ", ".join(
        f"{quoted(key)} = coalesce((SELECT new FROM map_{what} WHERE old = t.{quoted(key)}), t.{quoted(key)})"  # noqa: S608
        for key in keys
    )
    held = ", ".join(f"t.{quoted(key)}" for key in keys)
    return (
        f"UPDATE {qualified(schema, table)} t SET {sets} WHERE EXISTS "  # noqa: S608 - names of the catalogue
        f"(SELECT FROM map_{what} WHERE old <> new AND old IN ({held}))"
    )
