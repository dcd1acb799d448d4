"""Which migrations a schema's rows were written under, and whether this code has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration

from smartmodels.tenancy.placement import tenant_labels
from smartmodels.transfer.catalogue import applied_migrations
from smartmodels.transfer.errors import ArchiveNewer

__all__ = ["migrations_of", "on_disk", "replaced_by", "require_known", "with_squashes"]


def on_disk() -> dict[str, Migration]:
    """Return the migrations of tenant apps that this code has, as ``app.name``."""
    loader = MigrationLoader(None)
    return {
        f"{app}.{name}": migration
        for (app, name), migration in loader.disk_migrations.items()
        if app in tenant_labels()
    }


def replaced_by(migration: Migration) -> set[str]:
    """Return the migrations that a squashed one stands for."""
    return {".".join(each) for each in migration.replaces}


def with_squashes(names: Iterable[str], known: Mapping[str, Migration]) -> set[str]:
    """Return the migrations, and those squashed ones that replace nothing but them."""
    found, before = set(names), -1
    # One squash may replace another.
    while len(found) != before:
        before = len(found)
        found |= {name for name, each in known.items() if each.replaces and replaced_by(each) <= found}
    return found


def _had(known: Mapping[str, Migration]) -> set[str]:
    return known.keys() | set().union(*map(replaced_by, known.values()))


def migrations_of(schema: str) -> tuple[str, ...]:
    """Return the migrations of tenant apps that a schema has, in order of their names.

    Those that were squashed long ago are still recorded and left out: nothing of the code stands for them.
    """
    had = _had(on_disk())
    return tuple(name for name in applied_migrations(schema) if name in had)


def require_known(migrations: Iterable[str]) -> None:
    """Raise ArchiveNewer unless this code has all the migrations, or squashed ones that replace them."""
    if unknown := sorted(set(migrations) - _had(on_disk())):
        raise ArchiveNewer(
            f"The rows come from newer code: migration {unknown[0]} is unknown here. Upgrade first."
        )
