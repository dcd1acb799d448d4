"""Apply migrations to one schema, in the caller's thread and on its connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django import VERSION as DJANGO
from django.db import connections, transaction
from django.db.migrations.exceptions import AmbiguityError
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.recorder import MigrationRecorder

from smartmodels.context import BoundNamespace, namespace_scope, require_namespace
from smartmodels.exceptions import InvalidInput
from smartmodels.tenancy.migrating.applying import apply_migration, unapply_migration
from smartmodels.tenancy.placement import tenant_labels
from smartmodels.tenancy.triggers import quoted

__all__ = ["ensure_records", "migrate_namespace", "pending", "recorded"]

Progress = Callable[[str], None]

_RECORDS = """
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
        WHERE c.oid = r.oid AND t.tgname = 'smartmodels_note'
    ) FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
    WHERE n.nspname = %s AND r.relname = %s
"""
_TRIGGER = """
    CREATE TRIGGER smartmodels_note AFTER INSERT OR UPDATE OR DELETE ON django_migrations
    FOR EACH STATEMENT WHEN (current_setting('smartmodels.noted', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION public.smartmodels_note_migrations()
"""


def _silent(_: str) -> None:
    """Report to nobody."""


def _records(schema: str, using: str) -> tuple[bool, bool]:
    """Return whether a schema has a table of records, and whether that is noted in public."""
    # The public schema stands on the path as well, so a table found by its bare name may be another's.
    with connections[using].cursor() as cursor:
        cursor.execute(_RECORDS, [schema, MigrationRecorder.Migration._meta.db_table])
        found = cursor.fetchone()
    return found is not None, found is not None and bool(found[0])


def recorded(namespace: BoundNamespace, *, using: str = "default") -> set[str] | None:
    """Return the migrations applied to the namespace's schema, as ``app.name``.

    None where there is no table of them.
    """
    table = f"{quoted(namespace.schema_name)}.{quoted(MigrationRecorder.Migration._meta.db_table)}"
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(f"SELECT app || '.' || name FROM {table}")  # noqa: S608 - a name we made
        return {name for (name,) in cursor.fetchall()}


def ensure_records(using: str = "default") -> None:
    """Make the bound schema's table of records, and the trigger that notes in public what stands there."""
    exists, is_noted = _records(require_namespace().schema_name, using)
    if exists and is_noted:
        return
    with transaction.atomic(using=using):
        if not exists:
            with connections[using].schema_editor() as editor:
                editor.create_model(MigrationRecorder.Migration)
        with connections[using].cursor() as cursor:
            cursor.execute(_TRIGGER)
            cursor.execute("SELECT public.smartmodels_note_schema(%s)", [require_namespace().schema_name])


class _Executor(MigrationExecutor):
    """Django's executor, which records every migration in the transaction that applies it."""

    def apply_migration(
        self, state: Any, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> Any:
        if fake or fake_initial:
            return super().apply_migration(state, migration, fake=fake, fake_initial=fake_initial)
        self._tell("apply_start", migration)
        state, _ = apply_migration(
            migration, state, lambda: self._record(migration), using=self.connection.alias
        )
        self._tell("apply_success", migration)
        return state

    def _record(self, migration: Migration) -> None:
        # Django 6.1 asks for the names, Django 5.2 for the migration.
        names = (migration.app_label, migration.name)
        cast(Any, self).record_migration(*(names if DJANGO >= (6, 1) else (migration,)))

    def unapply_migration(self, state: Any, migration: Migration, fake: bool = False) -> Any:
        if fake:
            return super().unapply_migration(state, migration, fake=fake)
        self._tell("unapply_start", migration)
        state = unapply_migration(
            migration, state, lambda: self._forget(migration), using=self.connection.alias
        )
        self._tell("unapply_success", migration)
        return state

    def _forget(self, migration: Migration) -> None:
        for app, name in [*migration.replaces, (migration.app_label, migration.name)]:
            self.recorder.record_unapplied(str(app), str(name))

    def _tell(self, action: str, migration: Migration) -> None:
        if self.progress_callback:
            cast(Any, self.progress_callback)(action, migration, False)


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
    return [_reachable(executor.loader, (app_label, migration.name))]


def _reachable(loader: MigrationLoader, target: Any) -> Any:
    """Return the node that stands for a migration; one that a squashed one replaces is made one again."""
    if target in loader.graph.nodes:
        return target
    if target in loader.replacements:
        # Some of what it replaces is applied, so that the others are applied one by one.
        return loader.replacements[target].replaces[-1]
    loader.replace_migrations = False  # type: ignore[attr-defined]
    loader.build_graph()
    return target


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
        ensure_records(using)
        executor = _Executor(connections[using])
        executor.progress_callback = cast(Any, report)
        executor.migrate(_targets(executor, app_label, migration_name))
    return applied
