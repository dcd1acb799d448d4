"""Apply migrations to one schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from smartmodels.context import BoundNamespace, current_schema, namespace_scope
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["migrate_namespace", "pending"]

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    """Report to nobody."""


def _executor(using: str) -> MigrationExecutor:
    connection = connections[using]
    if current_schema() is None:
        return MigrationExecutor(connection)
    recorder = MigrationRecorder(connection)
    # The public schema stands on the path as well, so the table must be ours before it is read.
    recorder.ensure_schema()
    return MigrationExecutor(connection)


def _targets(executor: MigrationExecutor) -> list[Any]:
    leaves: list[Any] = executor.loader.graph.leaf_nodes()
    if current_schema() is None:
        return leaves
    return [node for node in leaves if node[0] in tenant_labels()]


def pending(namespace: BoundNamespace, *, using: str = "default") -> list[str]:
    """Return the migrations that the namespace's schema lacks, as ``app.name``, in order."""
    with namespace_scope(namespace):
        executor = _executor(using)
        plan = executor.migration_plan(_targets(executor))
    return [f"{step.app_label}.{step.name}" for step, _ in plan if step.app_label in tenant_labels()]


def migrate_namespace(
    namespace: BoundNamespace, *, progress: Progress = _silent, using: str = "default"
) -> list[str]:
    """Bring the namespace's schema up to date; return the migrations applied, as ``app.name``.

    Each migration is its own transaction and recorded with it, so a run that is cut off goes on where
    it stopped.
    """
    applied: list[str] = []

    def report(action: str, migration: Any = None, fake: bool = False) -> None:  # noqa: ARG001 - Django's
        if action == "apply_success" and migration is not None and migration.app_label in tenant_labels():
            name = f"{migration.app_label}.{migration.name}"
            applied.append(name)
            progress(name)

    with namespace_scope(namespace):
        executor = _executor(using)
        executor.progress_callback = cast(Any, report)
        executor.migrate(_targets(executor))
    return applied
