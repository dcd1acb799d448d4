"""Make people unknown in a copy of a namespace: the same person is the same pseudonym everywhere in it.

Pseudonyms follow from the text and a secret that is forgotten with the transaction, so nothing leads back.
All of this runs with the triggers of the copy off.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, models

from smartmodels.history import history_model
from smartmodels.ownership import owned_models, sentinel_id
from smartmodels.tenancy.triggers import literal, quoted
from smartmodels.transfer.accounts import map_identities, move_keys
from smartmodels.transfer.catalogue import Table, qualified
from smartmodels.transfer.references import account_columns, referred, user_model
from smartmodels.transfer.uploads import forget_uploads
from smartmodels.transfer.wording import forget_words

__all__ = ["anonymise_copy"]

_BATCH = 1000
_PSEUDONYM = """
    CREATE FUNCTION pg_temp.pseudonym(said text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN substr(encode(sha256(convert_to({secret} || said, 'UTF8')), 'hex'), 1, 16)
"""
_PEOPLE = """
    SELECT id FROM transfer_accounts a
    WHERE a.id <> %s AND NOT EXISTS (SELECT FROM map_accounts m WHERE m.old = a.id) ORDER BY id LIMIT %s
"""
_MAPPED = "INSERT INTO map_accounts SELECT * FROM unnest(%s::uuid[], %s::uuid[])"
_NAMES = """
    SELECT u.name FROM {users} u JOIN transfer_accounts a ON a.id = u.id WHERE u.id <> {sentinel}
"""
_LABELS = {"history_user_id": "actor_label", "created_by_id": "created_by_label"}
"""Columns that say who somebody is, by the column that holds their key."""


def anonymise_copy(schema: str, tables: Sequence[Table]) -> None:
    """Replace accounts, personal fields, addresses, and the words of those wherever else they stand.

    Rows and versions name no uploaded file any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PSEUDONYM.format(secret=literal(secrets.token_hex(32))))
        map_identities(referred(schema, account_columns(tables), "uuid"))
        words = set(_personal_words(cursor, schema))
        _make_pseudonyms(cursor)
        for versions in (False, True):
            move_keys(schema, tables, versions=versions)
        for table in tables:
            _rename(cursor, schema, table)
        by_name = {table.name: table for table in tables}
        for name, fields in _personal().items():
            if name in by_name:
                _replace_fields(cursor, schema, by_name[name], fields)
        forget_uploads(cursor, schema, tables)
        forget_words(cursor, schema, tables, words)
        cursor.execute("DROP FUNCTION pg_temp.pseudonym(text)")


def _make_pseudonyms(cursor: Any) -> None:
    """Make an inactive account of no meaning for everybody but the sentinel."""
    model = user_model()
    while True:
        cursor.execute(_PEOPLE, [sentinel_id(), _BATCH])
        people = [key for (key,) in cursor.fetchall()]
        if not people:
            return
        made = [_pseudonymous(model) for _ in people]
        model.objects.bulk_create(made)
        cursor.execute(_MAPPED, [people, [user.pk for user in made]])


def _pseudonymous(model: Any) -> Any:
    word = secrets.token_hex(8)
    return model(
        email=f"person-{word}@example.invalid",
        name=f"Person {word[:8]}",
        is_active=False,
        password=make_password(None),
    )


def _personal() -> dict[str, dict[str, Any]]:
    """Return the fields that models declare as personal, by table, those of versions included."""
    found: dict[str, dict[str, Any]] = {}
    owned: list[Any] = list(owned_models())
    for model in owned:
        names = model.smart.personal
        for each in (model, history_model(model)) if names else ():
            kept = {field.name: field for field in each._meta.concrete_fields}
            found[each._meta.db_table] = {kept[name].column: kept[name] for name in names if name in kept}
    return found


def _personal_words(cursor: Any, schema: str) -> Iterator[str]:
    """Yield what people are called: in personal fields, and as accounts."""
    for table, fields in _personal().items():
        for column in fields:
            cursor.execute(
                f"SELECT DISTINCT {quoted(column)}::text FROM {qualified(schema, table)} "  # noqa: S608
                f"WHERE length({quoted(column)}::text) > 3"
            )
            yield from (word for (word,) in cursor.fetchall())
    users = qualified("public", user_model()._meta.db_table)
    cursor.execute(_NAMES.format(users=users, sentinel=literal(str(sentinel_id()))))
    yield from (name for (name,) in cursor.fetchall() if len(name) > 3)


def _rename(cursor: Any, schema: str, table: Table) -> None:
    """Call the actors of versions and marks by what their accounts are called now."""
    for key, label in _LABELS.items():
        if {key, label} <= set(table.types):
            cursor.execute(
                f"UPDATE {qualified(schema, table.name)} t SET {label} = u.name "  # noqa: S608
                f"FROM {qualified('public', user_model()._meta.db_table)} u WHERE u.id = t.{key}"
            )


def _replace_fields(cursor: Any, schema: str, table: Table, fields: dict[str, Any]) -> None:
    sets = ", ".join(f"{quoted(column)} = {_replaced(field)}" for column, field in fields.items())
    if sets:
        cursor.execute(f"UPDATE {qualified(schema, table.name)} SET {sets}")  # noqa: S608


def _replaced(field: Any) -> str:
    """Return SQL for what stands in a personal field instead; what is empty stays so."""
    column = quoted(field.column)
    if not isinstance(field, (models.CharField, models.TextField)):
        return "NULL" if field.null else column
    ahead, behind = ("person-", "@example.invalid") if isinstance(field, models.EmailField) else ("Anon ", "")
    longest = field.max_length
    if longest is not None and longest < len(ahead) + 16 + len(behind):
        ahead = behind = ""
    made = f"'{ahead}' || pg_temp.pseudonym({column}) || '{behind}'"
    made = made if longest is None else f"left({made}, {longest})"
    return f"CASE WHEN {column} = '' THEN '' ELSE {made} END"
