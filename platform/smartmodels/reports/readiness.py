"""Which namespaces cannot be read, and why, before a wrong total is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from smartmodels.reports.snapshots import bounded
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["unready"]

_RECORDS = MigrationRecorder.Migration._meta.db_table
Migration = tuple[str, str]


@cache
def _expected() -> dict[Migration, frozenset[Migration]]:
    """Return the migrations of the tenant apps, each with those that it replaces."""
    migrations = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    ours = {key: frozenset(m.replaces) for key, m in migrations.items() if key[0] in tenant_labels()}
    replaced = frozenset().union(*ours.values())
    return {key: replaces for key, replaces in ours.items() if key not in replaced}


def unready(namespaces: Sequence[Any], *, using: str) -> dict[str, str]:
    """Return why each namespace that is missing or behind cannot be read, by slug."""
    with bounded(using=using) as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c"
            " ON c.relnamespace = n.oid WHERE c.relname = %s AND n.nspname = ANY(%s)",
            [_RECORDS, [namespace.schema_name for namespace in namespaces]],
        )
        present = {name for (name,) in cursor.fetchall()}
        applied = _applied([ns for ns in namespaces if ns.schema_name in present], cursor)
    return {
        namespace.slug: reason
        for namespace in namespaces
        if (reason := _reason(namespace, applied.get(namespace.slug))) is not None
    }


def _applied(namespaces: Sequence[Any], cursor: Any) -> dict[str, set[Migration]]:
    if not namespaces:
        return {}
    branch = 'SELECT %s, app, name FROM "{}"."{}"'
    parts = [
        branch.format(ns.schema_name.replace('"', '""').replace("%", "%%"), _RECORDS) for ns in namespaces
    ]
    cursor.execute(" UNION ALL ".join(parts), [namespace.slug for namespace in namespaces])
    found: dict[str, set[Migration]] = {namespace.slug: set() for namespace in namespaces}
    for slug, app, name in cursor.fetchall():
        found[slug].add((app, name))
    return found


def _reason(namespace: Any, applied: set[Migration] | None) -> str | None:
    if applied is None:
        return f"its schema {namespace.schema_name} is missing or empty"
    behind = [
        key
        for key, replaces in _expected().items()
        if key not in applied and not (replaces and replaces <= applied)
    ]
    if not behind:
        return None
    first = ".".join(min(behind))
    return f"it lacks {len(behind)} migration{'s' if len(behind) > 1 else ''}, the first is {first}"
