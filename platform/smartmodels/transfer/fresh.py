"""A schema of the tables that some migrations make, for rows that come from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.migrations.loader import MigrationLoader

from smartmodels.tenancy.migrating import migrate_namespace
from smartmodels.tenancy.placement import tenant_labels
from smartmodels.tenancy.schemas import create_schema
from smartmodels.tenancy.tables import make_tables
from smartmodels.transfer.archive import refuse
from smartmodels.transfer.errors import ArchiveNewer
from smartmodels.transfer.exporting import migrations_of

__all__ = ["Beside", "make_fresh", "require_known"]


@dataclass(frozen=True, slots=True)
class Beside:
    """A namespace's second schema, which can be bound like its own."""

    pk: Any
    slug: str
    schema_name: str
    has_tables: bool = False


def _on_disk() -> Any:
    loader = MigrationLoader(None)
    return {
        f"{app}.{name}": migration
        for (app, name), migration in loader.disk_migrations.items()
        if app in tenant_labels()
    }


def require_known(migrations: Iterable[str]) -> None:
    """Raise ArchiveNewer unless this code has all the migrations."""
    if unknown := sorted(set(migrations) - set(_on_disk())):
        raise ArchiveNewer(
            f"The rows come from newer code: migration {unknown[0]} is unknown here. Upgrade first."
        )


def make_fresh(bound: Any, migrations: Iterable[str], *, progress: Callable[[str], None]) -> None:
    """Make the schema, marked as the namespace's, at the state of the migrations.

    Raises ArchiveInvalid when there is no such state, since migrations are applied with what they need,
    and ArchiveNewer for migrations that this code does not have.
    """
    migrations = tuple(migrations)
    require_known(migrations)
    wanted, known = set(migrations), _on_disk()
    create_schema(bound.schema_name, bound.pk)
    if wanted == set(known):
        make_tables(bound, progress=progress)
        return
    followed = {f"{app}.{name}" for each in wanted for app, name in known[each].dependencies}
    for each in sorted(wanted - followed):
        app, _, name = each.partition(".")
        migrate_namespace(bound, app_label=app, migration_name=name, progress=progress)
    if set(migrations_of(bound.schema_name)) != wanted:
        raise refuse("its migrations are no state that a schema can have.")
