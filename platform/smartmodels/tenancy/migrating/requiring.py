"""Migrations without which the code cannot serve a namespace, because they say so.

``requires_current = True`` in a migration's class makes every namespace that lacks it answer 503, code
``namespace-behind``, until it is migrated. Without such a migration, code is deployed ahead of migrations.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.signals import setting_changed
from django.db.migrations.loader import MigrationLoader
from django.db.models import Exists, OuterRef, QuerySet

from smartmodels.tenancy.migrating.models import get_schema_state_model
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["required_migrations", "with_behind"]


@cache
def required_migrations() -> tuple[str, ...]:
    """Return the migrations of tenant apps that say ``requires_current``, as ``app.name``; read once."""
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    found = [
        f"{app}.{name}"
        for (app, name), migration in (loader.disk_migrations or {}).items()
        if app in tenant_labels() and getattr(migration, "requires_current", False)
    ]
    return tuple(sorted(found))


def with_behind(rows: QuerySet[Any], schema: str = "tenant__schema_name") -> QuerySet[Any]:
    """Annotate domains, or other rows that lead to a ``schema``, with ``is_behind`` if anything is required.

    It tells whether their schema lacks a required migration.

    A schema of which nothing is noted counts as behind; ``namespace migrate`` notes it.
    """
    required = required_migrations()
    if not required:
        return rows
    current = get_schema_state_model().objects.filter(
        schema_name=OuterRef(schema), applied__contains=list(required)
    )
    annotated: QuerySet[Any] = rows.annotate(is_behind=~Exists(current))
    return annotated


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("MIGRATION_MODULES", "INSTALLED_APPS", "TENANT_APPS"):
        required_migrations.cache_clear()


setting_changed.connect(_forget, dispatch_uid="smartmodels.tenancy.migrating.requiring")
