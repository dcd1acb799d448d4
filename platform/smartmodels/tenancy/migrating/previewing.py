"""What a run would send, and which locks that takes, without doing it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connections
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

from smartmodels.context import namespace_scope
from smartmodels.tenancy.migrating.options import MigrationOptions
from smartmodels.tenancy.migrating.planning import Plans
from smartmodels.tenancy.migrating.recording import can_be_recorded
from smartmodels.tenancy.migrating.running import migratable
from smartmodels.tenancy.migrating.states import SchemaState, read_states

__all__ = ["PlannedGroup", "PlannedMigration", "PlannedStatement", "lock_of", "preview_fleet"]

# The strongest lock on a table that a statement of this kind takes, strongest first (PostgreSQL's manual,
# "Explicit Locking"). Several statements may stand in one text.
_LOCKS = (
    ("ACCESS EXCLUSIVE", r"DROP (TABLE|TRIGGER|INDEX(?! CONCURRENTLY))|TRUNCATE|CLUSTER|VACUUM FULL"),
    (
        "ACCESS EXCLUSIVE",
        r"ALTER TABLE(?![^;]*(VALIDATE CONSTRAINT|FOREIGN KEY|SET STATISTICS|(EN|DIS)ABLE TRIGGER))",
    ),
    ("SHARE ROW EXCLUSIVE", r"ALTER TABLE[^;]*(FOREIGN KEY|ABLE TRIGGER)|CREATE (CONSTRAINT )?TRIGGER"),
    ("SHARE", r"CREATE (UNIQUE )?INDEX(?! CONCURRENTLY)"),
    (
        "SHARE UPDATE EXCLUSIVE",
        r"CREATE (UNIQUE )?INDEX|DROP INDEX|ALTER TABLE|COMMENT ON|ANALYZE|ALTER INDEX",
    ),
    ("ROW EXCLUSIVE", r"INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|COPY"),
)
# Where a statement begins: of a text, after another one, or in the body of a DO.
_BEGIN = r"(?:^|;|\bTHEN\b|\bBEGIN\b)\s*"
_COMPILED = tuple((lock, re.compile(rf"{_BEGIN}(?:{kinds})\b", re.IGNORECASE)) for lock, kinds in _LOCKS)
_PYTHON = "THIS OPERATION CANNOT BE WRITTEN AS SQL"


@dataclass(frozen=True, slots=True)
class PlannedStatement:
    """A statement and the strongest lock that it takes on a table; None for none, or when Python decides."""

    sql: str
    lock: str | None


@dataclass(frozen=True, slots=True)
class PlannedMigration:
    """A migration: whether its statements are replayed, or it runs through Django in every schema."""

    name: str
    replayed: bool
    atomic: bool
    statements: tuple[PlannedStatement, ...]


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """Namespaces that are alike, and what they lack."""

    namespaces: tuple[str, ...]
    migrations: tuple[PlannedMigration, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        return asdict(self)


def lock_of(statement: str) -> str | None:
    """Return the strongest lock on an existing table that the statement takes, as far as its words say."""
    return next((lock for lock, pattern in _COMPILED if pattern.search(statement)), None)


def preview_fleet(
    namespaces: Sequence[Any] | None = None,
    *,
    options: MigrationOptions | None = None,
    using: str = "default",
) -> list[PlannedGroup]:
    """Return what would be sent, once per kind of schema: worked out on the first of each, which stays."""
    chosen = migratable(namespaces, using=using)
    states = read_states([each.schema_name for each in chosen], using=using)
    plans = Plans(options.app_label if options else None)
    alike: dict[str, list[Any]] = defaultdict(list)
    for each in chosen:
        alike[states[each.schema_name].fingerprint].append(each)
    groups = []
    for members in alike.values():
        state = states[members[0].schema_name]
        if plans.stage(state).steps:
            with namespace_scope(members[0]):
                planned = tuple(_planned(plans, state, using))
            groups.append(PlannedGroup(tuple(each.slug for each in members), planned))
    return groups


def _planned(plans: Plans, state: SchemaState, using: str) -> Iterator[PlannedMigration]:
    project = plans.project(state)
    for migration in plans.stage(state).steps:
        statements, project = _statements(migration, project, using)
        name = f"{migration.app_label}.{migration.name}"
        yield PlannedMigration(name, can_be_recorded(migration), migration.atomic, tuple(statements))


def _statements(
    migration: Migration, project: ProjectState, using: str
) -> tuple[list[PlannedStatement], ProjectState]:
    editor = DatabaseSchemaEditor(connections[using], collect_sql=True, atomic=migration.atomic)
    after = migration.mutate_state(project)
    try:
        with editor:
            migration.apply(project, editor, collect_sql=True)
    except ValueError as error:
        # Django looks in the catalogue for what an earlier migration of the plan has yet to make.
        return [PlannedStatement(f"-- depends on what is made before: {error}", None)], after
    lines = [line for line in editor.collected_sql if not line.startswith("--") or _PYTHON in line]
    return [PlannedStatement(line, None if _PYTHON in line else lock_of(line)) for line in lines], after
