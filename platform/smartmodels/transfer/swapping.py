"""Let a namespace be served from another of its schemas, in one transaction."""

from __future__ import annotations

import time
from typing import Any

from django.apps import apps
from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable

from smartmodels.conf import settings
from smartmodels.context import public_scope
from smartmodels.exceptions import NamespaceBusy
from smartmodels.sharing import reconcile
from smartmodels.tenancy.migrating import forget_schema_state
from smartmodels.tenancy.models import get_namespace_model
from smartmodels.tenancy.names import SCHEMA_MARK
from smartmodels.tenancy.schemas import drop_schema
from smartmodels.tenancy.setting_aside import identity_of, set_aside
from smartmodels.tenancy.triggers import literal, quoted
from smartmodels.transfer.catalogue import qualified, tables_of

__all__ = ["drop_set_aside", "swap"]

_TRIES, _LOCK_SECONDS = 8, 2.0
_FUNCTION = """
    CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $moved$ BEGIN
        RAISE EXCEPTION 'The namespace was restored a moment ago: nothing was written.'
            USING ERRCODE = 'SM007', HINT = 'Try again.';
    END $moved$
"""
_TRIGGER = """
    CREATE TRIGGER a_moved BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}()
"""


def drop_set_aside(namespace: Any) -> list[str]:
    """Drop those schemas, with their rows, for good; return their names."""
    found = set_aside(namespace)
    for schema in found:
        drop_schema(schema, identity_of(namespace, schema))
        forget_schema_state(schema)
    return found


def swap(namespace: Any, schema: str) -> str:
    """Serve the namespace from ``schema``; return the name of the one it was served from, which stays.

    Requests that are under way go on to read what they began with; what they write is refused
    (WriteConflict), since it would be lost. Raises NamespaceBusy while writers do not come to an end.
    """
    for _ in range(_TRIES):
        try:
            return _swap(namespace, schema)
        except OperationalError as error:
            if not isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected)):
                raise
        time.sleep(0.1)
    raise NamespaceBusy(
        f"Transactions keep writing to {namespace.slug!r}: nothing was changed; try again, "
        "or suspend it first.",
        slug=namespace.slug,
    )


def _swap(namespace: Any, schema: str) -> str:
    old = str(namespace.schema_name)
    with public_scope(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{_LOCK_SECONDS:g}s"])
        _refuse_writes(cursor, old)
        _mark(cursor, old, identity_of(namespace, old))
        _mark(cursor, schema, namespace.pk)
        _move_anchors(cursor, {namespace.pk: identity_of(namespace, old),
                               identity_of(namespace, schema): namespace.pk})  # fmt: skip
        rows = get_namespace_model().objects.filter(pk=namespace.pk, schema_name=old)
        if rows.update(schema_name=schema) != 1:
            raise NamespaceBusy(f"{namespace.slug!r} was changed meanwhile: try again.", slug=namespace.slug)
        reconcile(namespace, schema)
    namespace.schema_name = schema
    return old


def _refuse_writes(cursor: Any, schema: str) -> None:
    """Wait for those who write, then let nobody write any more; readers are not held up."""
    tables = [qualified(schema, table.name) for table in tables_of(schema)]
    function = qualified(schema, "smartmodels_moved")
    cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
    cursor.execute(_FUNCTION.format(function=function))
    for table in tables:
        cursor.execute(_TRIGGER.format(table=table, function=function))


def _mark(cursor: Any, schema: str, key: Any) -> None:
    cursor.execute(f"COMMENT ON SCHEMA {quoted(schema)} IS {literal(f'{SCHEMA_MARK} {key}')}")


def _move_anchors(cursor: Any, keys: dict[Any, Any]) -> None:
    """Let each timeline keep its own anchors: none is removed, or says something else than before."""
    table = qualified("public", apps.get_model(settings().ANCHOR_MODEL)._meta.db_table)
    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for before, after in keys.items():
        cursor.execute(f"UPDATE {table} SET namespace_id = %s WHERE namespace_id = %s", [after, before])  # noqa: S608
    cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
