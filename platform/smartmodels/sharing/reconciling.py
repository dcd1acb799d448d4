"""Let the registry and the grants say what the rows of a home say, after what no trigger saw.

Triggers keep them equal in every write (``sharing.sql``). A restore serves a namespace from other tables, and
whoever turns triggers off writes past them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from smartmodels.sharing.grants import LIVING, GrantStatus, get_grant_model, get_registry_model
from smartmodels.sharing.registering import WHOSE
from smartmodels.tenancy.triggers import quoted

__all__ = ["Differing", "differing_rows", "reconcile"]


@dataclass(frozen=True, slots=True)
class Differing:
    """Rows of one model whose entries in the registry are wrong: ``astray`` or ``stale``.

    Astray are those of rows that are gone, and of rows that are there although the registry says they are
    gone. Stale ones have another label, owner or mark than the row.
    """

    label: str
    astray: tuple[Any, ...]
    stale: tuple[Any, ...]


def differing_rows(namespace: Any, schema: str | None = None) -> Iterator[Differing]:
    """Yield what differs between the registry and the rows of a namespace, model by model; writes nothing.

    The rows are those of ``schema``, by default the one that the namespace is served from.
    """
    tables = schema or str(namespace.schema_name)
    labels = get_registry_model().objects.filter(home_id=namespace.pk).order_by("model")
    for label in labels.values_list("model", flat=True).distinct():
        with connection.cursor() as cursor:
            cursor.execute(_DIFFERENT.format(**_tables(), **_row(tables, label)), [namespace.pk, label])
            found = cursor.fetchall()
        astray = tuple(key for key, is_there in found if is_there is None)
        stale = tuple(key for key, is_there in found if is_there is not None)
        if found:
            yield Differing(label, astray, stale)


def reconcile(namespace: Any, schema: str | None = None) -> int:
    """Make the registry and the marks of grants equal to the rows of ``namespace``; return entries changed.

    Grants of rows that are gone are revoked; those of rows that came back stay as they ended. The rows are
    those of ``schema``, by default the one that the namespace is served from. All or nothing.
    """
    changed = 0
    with transaction.atomic():
        for each in list(differing_rows(namespace, schema)):
            changed += _equal(namespace, schema or str(namespace.schema_name), each)
        with connection.cursor() as cursor:
            cursor.execute(_MARKS.format(**_tables()), [namespace.pk])
        ended = get_grant_model().objects.filter(
            home_id=namespace.pk, resource__purged_at__isnull=False, status__in=LIVING
        )
        ended.update(status=GrantStatus.REVOKED)
    return changed


def _equal(namespace: Any, schema: str, differing: Differing) -> int:
    keys = [*differing.astray, *differing.stale]
    with connection.cursor() as cursor:
        sql = _EQUAL.format(**_tables(), **_row(schema, differing.label))
        cursor.execute(sql, [namespace.pk, differing.label, keys])
        return int(cursor.rowcount)


def _tables() -> dict[str, str]:
    return {
        "registry": f"public.{quoted(get_registry_model()._meta.db_table)}",
        "grants": f"public.{quoted(get_grant_model()._meta.db_table)}",
    }


_NOTHING = "(SELECT NULL::uuid AS id, NULL::timestamptz AS deleted_at, NULL::uuid AS owner_id WHERE false)"


def _row(schema: str, label: str) -> dict[str, str]:
    """Return how SQL names the rows of a model in the home, their key and label; no row of no model."""
    try:
        model: Any = apps.get_model(label)
    except (LookupError, ValueError):
        return {"rows": _NOTHING, "key": "id", "said": "''", "whose": "t.owner_id"}
    named_by = model.smart.label_column(model)
    return {
        "rows": f"{quoted(schema)}.{quoted(model._meta.db_table)}",
        "key": quoted(model._meta.pk.column),
        "whose": WHOSE,
        "said": f"public.smartmodels_label(t.{quoted(named_by)}::text)" if named_by else "''",
    }


_WRONG = """
    (t.{key} IS NULL) <> (r.purged_at IS NOT NULL)
    OR t.{key} IS NOT NULL AND (r.label <> {said} OR r.deleted_at IS DISTINCT FROM t.deleted_at
        OR r.owner_id IS DISTINCT FROM {whose})
"""
_DIFFERENT = f"""
    SELECT r.resource_id, CASE WHEN t.{{key}} IS NOT NULL AND r.purged_at IS NULL THEN true END
    FROM {{registry}} r LEFT JOIN {{rows}} t ON t.{{key}} = r.resource_id
    WHERE r.home_id = %s AND r.model = %s AND ({_WRONG}) ORDER BY 1
"""  # noqa: S608
_EQUAL = f"""
    UPDATE {{registry}} e SET version = e.version + 1,
        label = CASE WHEN t.{{key}} IS NULL THEN e.label ELSE {{said}} END,
        owner_id = CASE WHEN t.{{key}} IS NULL THEN e.owner_id ELSE {{whose}} END,
        deleted_at = CASE WHEN t.{{key}} IS NULL THEN coalesce(e.deleted_at, clock_timestamp())
            ELSE t.deleted_at END,
        purged_at = CASE WHEN t.{{key}} IS NULL THEN coalesce(e.purged_at, clock_timestamp()) END
    FROM {{registry}} r LEFT JOIN {{rows}} t ON t.{{key}} = r.resource_id
    WHERE e.id = r.id AND r.home_id = %s AND r.model = %s AND r.resource_id = ANY (%s) AND ({_WRONG})
"""  # noqa: S608
_MARKS = """
    UPDATE {grants} g SET resource_deleted = NOT g.resource_deleted
    FROM {registry} r WHERE r.id = g.resource_id AND r.home_id = %s
        AND g.resource_deleted <> (r.deleted_at IS NOT NULL)
"""
