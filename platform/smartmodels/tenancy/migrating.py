"""Apply migrations to one schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.db import connections
from django.db.migrations.exceptions import AmbiguityError
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from smartmodels.context import BoundNamespace, namespace_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.tenancy.placement import tenant_labels
from smartmodels.tenancy.triggers import quoted

__all__ = ["migrate_namespace", "pending", "recorded"]

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    """Report to nobody."""


def recorded(namespace: BoundNamespace, *, using: str = "default") -> set[str] | None:
    """Return the migrations applied to the namespace's schema, as ``app.name``.

    None where there is no table of them.
    """
    # The public schema stands on the path as well, so a table found by its bare name may be another's.
    table = f"{quoted(namespace.schema_name)}.{quoted(MigrationRecorder.Migration._meta.db_table)}"
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(f"SELECT app || '.' || name FROM {table}")  # noqa: S608 - a name we made
        return {name for (name,) in cursor.fetchall()}


def _targets(executor: MigrationExecutor, app_label: str | None, migration_name: str | None) -> list[Any]:
    """Return the nodes to reach: all leaves of the tenant apps, or of one of them, or one migration."""
    if app_label is None or migration_name is None:
        leaves = executor.loader.graph.leaf_nodes(app_label)
        return [node for node in leaves if node[0] in tenant_labels()]
    if migration_name == "zero":
        return [(app_label, None)]
    try:
        migration = executor.loader.get_migration_by_prefix(app_label, migration_name)
    except (AmbiguityError, KeyError) as error:
        raise InvalidInput(
            f"{migration_name!r} names no single migration of {app_label!r}: see `manage.py showmigrations`."
        ) from error
    return [(app_label, migration.name)]


def pending(
    namespace: BoundNamespace,
    *,
    app_label: str | None = None,
    migration_name: str | None = None,
    using: str = "default",
) -> list[str]:
    """Return the migrations that the namespace's schema lacks, as ``app.name``, in order."""
    with namespace_scope(namespace):
        executor = MigrationExecutor(connections[using])
        if recorded(namespace, using=using) is None:
            executor.loader.applied_migrations = {}
        plan = executor.migration_plan(_targets(executor, app_label, migration_name))
    return [f"{step.app_label}.{step.name}" for step, _ in plan if step.app_label in tenant_labels()]


def migrate_namespace(
    namespace: BoundNamespace,
    *,
    progress: Progress = _silent,
    app_label: str | None = None,
    migration_name: str | None = None,
    using: str = "default",
) -> list[str]:
    """Bring the namespace's schema up to date; return the migrations applied, as ``app.name``.

    Each migration is its own transaction and recorded with it, so a run that is cut off goes on where
    it stopped. ``app_label`` confines it to one app, ``migration_name`` (a prefix, or "zero") to one
    state of it, forwards or backwards.
    """
    applied: list[str] = []

    def report(action: str, migration: Any = None, fake: bool = False) -> None:  # noqa: ARG001 - Django's
        done = action in ("apply_success", "unapply_success")
        if done and migration is not None and migration.app_label in tenant_labels():
            name = f"{migration.app_label}.{migration.name}"
            applied.append(name)
            progress(name)

    with namespace_scope(namespace):
        if recorded(namespace, using=using) is None:
            with connections[using].schema_editor() as editor:
                editor.create_model(MigrationRecorder.Migration)
        executor = MigrationExecutor(connections[using])
        executor.progress_callback = cast(Any, report)
        executor.migrate(_targets(executor, app_label, migration_name))
    return applied
