"""A schema of the tables that some migrations make, for rows that come from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.migrations.migration import Migration

from smartmodels.tenancy.migrating import migrate_namespace
from smartmodels.tenancy.schemas import create_schema
from smartmodels.tenancy.tables import make_tables
from smartmodels.transfer.archive import refuse
from smartmodels.transfer.migrations import (
    migrations_of,
    on_disk,
    replaced_by,
    require_known,
    with_squashes,
)

__all__ = ["Beside", "make_fresh"]


@dataclass(frozen=True, slots=True)
class Beside:
    """A namespace's second schema, which can be bound like its own."""

    pk: Any
    slug: str
    schema_name: str
    has_tables: bool = False


def make_fresh(bound: Any, migrations: Iterable[str], *, progress: Callable[[str], None]) -> None:
    """Make the schema, marked as the namespace's, at the state of the migrations.

    Raises ArchiveInvalid when there is no such state, since migrations are applied with what they need,
    and ArchiveNewer for migrations that this code does not have.
    """
    migrations = tuple(migrations)
    require_known(migrations)
    known = on_disk()
    wanted = with_squashes(migrations, known)
    create_schema(bound.schema_name, bound.pk)
    if wanted >= known.keys():
        make_tables(bound, progress=progress)
        return
    for each in _last_of(wanted & known.keys(), known):
        app, _, name = each.partition(".")
        migrate_namespace(bound, app_label=app, migration_name=name, progress=progress)
    if with_squashes(migrations_of(bound.schema_name), known) != wanted:
        raise refuse("its migrations are no state that a schema can have.")


def _last_of(wanted: set[str], known: Mapping[str, Migration]) -> list[str]:
    """Return the migrations that bring all others along."""
    followed = {f"{app}.{name}" for each in wanted for app, name in known[each].dependencies}
    followed |= set().union(*(replaced_by(known[each]) for each in wanted))
    return sorted(wanted - followed)
