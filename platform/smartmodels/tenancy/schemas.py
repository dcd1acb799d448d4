"""Schemas as such: create, mark, check, drop."""

from __future__ import annotations

from django.db import connections, transaction

from smartmodels.context import PUBLIC_SCHEMA
from smartmodels.exceptions import NamespaceFailed
from smartmodels.tenancy.names import SCHEMA_MARK
from smartmodels.tenancy.triggers import literal, quoted
from smartmodels.tenancy.uploads import remove_uploads

__all__ = ["create_schema", "drop_schema", "is_ours", "marked_schemas", "schema_mark"]


def schema_mark(schema: str, *, using: str = "default") -> str | None:
    """Return the comment of a schema, an empty string if it has none, None if there is no such schema."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_catalog.pg_namespace"
            " WHERE nspname = %s",
            [schema],
        )
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def marked_schemas(*, mark: str = SCHEMA_MARK, using: str = "default") -> dict[str, str]:
    """Return every schema whose mark begins so, those of namespaces if not told otherwise: name -> mark."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace"
            " WHERE starts_with(obj_description(oid, 'pg_namespace'), %s)",
            [mark],
        )
        return dict(cursor.fetchall())


def create_schema(schema: str, key: object, *, mark: str = SCHEMA_MARK, using: str = "default") -> None:
    """Create the schema and mark it as that of namespace ``key``; doing it again changes nothing.

    ``mark`` says what else than a namespace's it is. Raises NamespaceFailed when a schema of this name
    exists that bears another mark.
    """
    existing = schema_mark(schema, using=using)
    if existing == f"{mark} {key}":
        return
    if existing is not None:
        raise NamespaceFailed(f"Schema {schema} exists and is not ours: nothing was changed.", schema=schema)
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {quoted(schema)}")
        cursor.execute(f"COMMENT ON SCHEMA {quoted(schema)} IS {literal(f'{mark} {key}')}")


def is_ours(schema: str, key: object, *, mark: str = SCHEMA_MARK, using: str = "default") -> bool:
    """Tell whether there is a schema of this name, which then is that of ``key``.

    ``mark`` says what else than a namespace's it is. Raises NamespaceFailed when it does not bear the
    mark, and so may not be dropped.
    """
    existing = schema_mark(schema, using=using)
    if existing is None:
        return False
    if schema == PUBLIC_SCHEMA or existing != f"{mark} {key}":
        raise NamespaceFailed(
            f"Schema {schema} does not bear the mark of this namespace, so it is not dropped.", schema=schema
        )
    return True


def drop_schema(schema: str, key: object, *, mark: str = SCHEMA_MARK, using: str = "default") -> bool:
    """Drop the schema of namespace ``key`` with its rows and uploaded files; return whether there was one.

    ``mark`` says what else than a namespace's it is. Raises NamespaceFailed, and drops nothing, when the
    schema does not bear the mark.
    """
    if not is_ours(schema, key, mark=mark, using=using):
        return False
    with connections[using].cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {quoted(schema)} CASCADE")
    transaction.on_commit(lambda: remove_uploads(schema), using=using)
    return True
