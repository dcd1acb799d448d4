"""Which rows of others are visible here, by the index of grants alone: no other schema is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from smartmodels.conf import settings
from smartmodels.sharing.reading import active_grants
from smartmodels.tenancy.migrating.requiring import with_behind
from smartmodels.tenancy.models import State, get_namespace_model

__all__ = ["Home", "Shown", "chunks_of", "granted_rows", "homes_of", "shown_grants", "shown_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A row that a grant shows here, wherever it is; ``registered`` is its key in the registry."""

    row_id: UUID
    role: str
    registered: UUID

    @property
    def key(self) -> tuple[str]:
        """Return what it stands by in lists that go by keys."""
        return (str(self.row_id),)


@dataclass(frozen=True, slots=True)
class Home:
    """A namespace and which of its rows are visible here: None for all, as of the bound one itself."""

    namespace: Any
    shown: tuple[Shown, ...] | None

    @property
    def is_readable(self) -> bool:
        """Tell whether its tables can be read now: not in maintenance, nor while migrations are missing."""
        return self.namespace.state == State.ACTIVE and not self.namespace.is_behind


def granted_rows(model: Any) -> QuerySet[Any]:
    """Return the grants by which rows of others are visible here, in the order of keys, one for each key."""
    return active_grants(model).select_related(None).order_by("row_id", "id").distinct("row_id")


def shown_grants(model: Any) -> QuerySet[Any]:
    """Return those of :func:`granted_rows` that lists show.

    A key shows one row, as in the address of a detail: the namespace's own goes before those of others.
    """
    return granted_rows(model).filter(~Exists(model.objects.filter(pk=OuterRef("row_id"))))


def shown_of(grants: QuerySet[Any]) -> dict[Shown, Any]:
    """Evaluate grants: return what they show, and the home of each."""
    asked = with_behind(grants, "home__schema_name")
    behind = ["is_behind"] if "is_behind" in asked.query.annotations else []
    columns = _columns_of_homes()
    names = ("home_id", "row_id", "role", "resource_id", *(f"home__{name}" for name in columns), *behind)
    homes: dict[UUID, Any] = {}
    found = {}
    for home_id, row_id, role, registered, *home in asked.values_list(*names):
        if home_id not in homes:
            homes[home_id] = _namespace(*home)
        found[Shown(row_id, role, registered)] = homes[home_id]
    return found


@cache
def _columns_of_homes() -> list[str]:
    """Return what has to be known of a namespace to read it, in the order of its model."""
    needed = {"id", "slug", "schema_name", "state"}
    return [field.name for field in get_namespace_model()._meta.concrete_fields if field.name in needed]


@lru_cache(maxsize=4096)
def _namespace(*values: Any) -> Any:
    """Return a namespace of its columns, which came along with a grant, and of whether it is behind.

    Kept, since to make it costs more than to read the row.
    """
    columns = _columns_of_homes()
    namespace = get_namespace_model().from_db(connection.alias, columns, values[: len(columns)])
    namespace.is_behind = any(values[len(columns) :])
    return namespace


def homes_of(shown: Mapping[Shown, Any]) -> list[Home]:
    """Return the homes of rows, in the order of their names."""
    by_home: dict[UUID, list[Shown]] = {}
    for each, home in shown.items():
        by_home.setdefault(home.pk, []).append(each)
    homes = {home.pk: home for home in shown.values()}
    return [
        Home(home, tuple(by_home[home.pk])) for home in sorted(homes.values(), key=lambda home: home.slug)
    ]


def chunks_of(homes: Sequence[Home]) -> list[Sequence[Home]]:
    """Return the homes in lots that one statement may touch."""
    size = settings().SCHEMAS_PER_STATEMENT
    return [homes[first : first + size] for first in range(0, len(homes), size)]
