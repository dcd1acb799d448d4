"""What each kind of schema lacks, worked out once for all schemas that have the same migrations."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

from smartmodels.tenancy.migrating.narrowing import narrowed
from smartmodels.tenancy.migrating.states import Key, SchemaState
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["Plans", "Stage", "keys_of"]


class _KnownLoader(MigrationLoader):
    """Django's loader, told which migrations are applied instead of asking a database."""

    def __init__(self, state: SchemaState) -> None:
        self._given: dict[Key, Any] = dict.fromkeys(state.applied)
        super().__init__(None)

    @property
    def applied_migrations(self) -> dict[Key, Any]:
        return self._given

    @applied_migrations.setter
    def applied_migrations(self, value: Any) -> None:
        """Keep what was given: without a connection the loader assumes that nothing is applied."""


class _Planner(MigrationExecutor):
    """Django's executor, of which only the planning is used; it never sees a connection."""

    def __init__(self, state: SchemaState) -> None:
        self.loader = _KnownLoader(state)


def keys_of(migration: Migration) -> list[Key]:
    """Return what is recorded for the migration: of a squashed one also those that it replaces."""
    return [*map(_key, migration.replaces), (migration.app_label, migration.name)]


def _key(replaced: Any) -> Key:
    app, name = replaced
    return str(app), str(name)


@dataclass(frozen=True)
class Stage:
    """What lies before a schema: the migrations it lacks, in order.

    ``squashed`` are those whose replaced migrations it has, so that they only remain to be recorded.
    """

    steps: tuple[Migration, ...]
    squashed: tuple[Key, ...]
    planner: _Planner

    @property
    def is_current(self) -> bool:
        """Tell whether nothing is to be done."""
        return not self.steps and not self.squashed

    @property
    def names(self) -> list[str]:
        """Return the migrations of tenant apps among them as ``app.name``."""
        labels = tenant_labels()
        return [f"{step.app_label}.{step.name}" for step in self.steps if step.app_label in labels]


class Plans:
    """Stages by state, and the project states from which migrations start; shared by all threads of a run.

    ``app_label`` confines the plans to one app and what it depends on.
    """

    def __init__(self, app_label: str | None = None) -> None:
        self._app_label = app_label
        self._stages: dict[str, Stage] = {}
        self._projects: dict[str, ProjectState] = {}
        self._lock = threading.RLock()

    def stage(self, state: SchemaState) -> Stage:
        """Return what a schema in this state lacks."""
        with self._lock:
            if state.fingerprint not in self._stages:
                self._stages[state.fingerprint] = self._make(state)
            return self._stages[state.fingerprint]

    def project(self, state: SchemaState, migration: Migration | None = None) -> ProjectState:
        """Return a fresh copy of the models as the migrations of this state leave them.

        They are those that the migration looks at where it is named and these are known, else all, rendered.
        """
        with self._lock:
            made = self._project(state)
            few = None if migration is None else narrowed(made, migration)
            if few is not None:
                return few
            made.apps  # noqa: B018 - rendered here, once, so that copies need not be
            return made.clone()

    def _project(self, state: SchemaState) -> ProjectState:
        if state.fingerprint not in self._projects:
            # Two of a plan are in use at a time; each is megabytes of rendered models.
            while len(self._projects) > 3:
                self._projects.pop(next(iter(self._projects)))
            planner: Any = self.stage(state).planner
            self._projects[state.fingerprint] = planner._create_project_state(with_applied_migrations=True)
        return self._projects[state.fingerprint]

    def _make(self, state: SchemaState) -> Stage:
        planner = _Planner(state)
        graph, labels = planner.loader.graph, tenant_labels()
        leaves = graph.leaf_nodes()
        wanted = [node for node in leaves if node[0] in labels and self._app_label in (None, node[0])]
        lacking = {step for step, _ in planner.migration_plan(wanted)}
        # In the order Django follows on an empty database, as its executor does.
        full = planner.migration_plan(leaves, clean_start=True)
        steps = tuple(step for step, _ in full if step in lacking)
        squashed = tuple(
            key
            for key, migration in sorted(planner.loader.replacements.items())
            if key not in state.applied and all(_key(each) in state.applied for each in migration.replaces)
        )
        return Stage(steps, squashed, planner)
