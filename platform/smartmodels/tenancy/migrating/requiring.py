"""Migrations without which the code cannot serve a namespace, because they say so.

``requires_current = True`` in a migration's class makes every namespace that lacks it answer 503, code
``namespace-behind``, until it is migrated. Without such a migration, code is deployed ahead of migrations.
Where all is applied that a squashed migration replaces, it is there, recorded or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.core.signals import setting_changed
from django.db.migrations.loader import MigrationLoader
from django.db.models import Exists, OuterRef, Q, QuerySet

from smartmodels.tenancy.migrating.models import get_schema_state_model
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["lacks_required", "required_migrations", "with_behind"]


@cache
def required_migrations() -> dict[str, tuple[str, ...]]:
    """Return the migrations of tenant apps that say ``requires_current``, as ``app.name``; read once.

    Each with those that it replaces.
    """
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    return {
        f"{app}.{name}": tuple(".".join(each) for each in migration.replaces)
        for (app, name), migration in sorted((loader.disk_migrations or {}).items())
        if app in tenant_labels() and getattr(migration, "requires_current", False)
    }


def with_behind(rows: QuerySet[Any], schema: str = "tenant__schema_name") -> QuerySet[Any]:
    """Annotate domains, or other rows that lead to a ``schema``, with ``is_behind`` if anything is required.

    It tells whether their schema lacks a required migration.

    A schema of which nothing is noted counts as behind; ``namespace migrate`` notes it.
    """
    required = required_migrations()
    if not required:
        return rows
    states = get_schema_state_model().objects.filter(schema_name=OuterRef(schema))
    annotated: QuerySet[Any] = rows.annotate(is_behind=~Exists(states.filter(_has_all(required))))
    return annotated


def _has_all(required: Mapping[str, tuple[str, ...]]) -> Q:
    has_all = Q()
    for name, replaced in required.items():
        has = Q(applied__contains=[name])
        has_all &= has | Q(applied__contains=list(replaced)) if replaced else has
    return has_all


def lacks_required(schema_name: str) -> bool:
    """Tell whether a schema lacks a migration that is required; no query where none is."""
    required = required_migrations()
    if not required:
        return False
    states = get_schema_state_model().objects.filter(schema_name=schema_name)
    return not states.filter(_has_all(required)).exists()


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("MIGRATION_MODULES", "INSTALLED_APPS", "TENANT_APPS"):
        required_migrations.cache_clear()


setting_changed.connect(_forget, dispatch_uid="smartmodels.tenancy.migrating.requiring")
