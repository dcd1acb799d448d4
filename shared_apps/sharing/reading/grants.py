"""Which rows of others are visible here, by the index of grants alone: no other schema is touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from smartmodels.conf import settings
from smartmodels.sharing import active_grants
from smartmodels.tenancy.migrating.requiring import with_behind
from smartmodels.tenancy.models import State, get_namespace_model

__all__ = ["Home", "Shown", "chunks_of", "homes_of", "shown_grants", "shown_of"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A row that a grant shows here, wherever it is; ``registered`` is its key in the registry."""

    row_id: UUID
    home_id: UUID
    role: str
    registered: UUID

    @property
    def key(self) -> tuple[str]:
        """Return what it stands by in lists that go by keys."""
        return (str(self.row_id),)


@dataclass(frozen=True, slots=True)
class Home:
    """A namespace that shares rows with this one, and the ones it shares."""

    namespace: Any
    shown: tuple[Shown, ...]

    @property
    def is_readable(self) -> bool:
        """Tell whether its tables can be read now: not in maintenance, nor while migrations are missing."""
        return self.namespace.state == State.ACTIVE and not self.namespace.is_behind


def shown_grants(model: Any) -> QuerySet[Any]:
    """Return the grants by which rows of others are visible in the bound namespace, in the order of keys.

    A key shows one row, as in the address of a detail: the namespace's own goes before those of others.
    """
    own = model.objects.filter(pk=OuterRef("row_id"))
    grants = active_grants(model).select_related(None).filter(~Exists(own))
    return grants.order_by("row_id", "id").distinct("row_id")


def shown_of(grants: QuerySet[Any]) -> list[Shown]:
    """Evaluate grants as what they show."""
    found = grants.values_list("row_id", "home_id", "role", "resource_id")
    return [Shown(*each) for each in found]


def homes_of(shown: Iterable[Shown]) -> list[Home]:
    """Return the homes of rows, in one query; in the order of their names."""
    by_home: dict[UUID, list[Shown]] = {}
    for each in shown:
        by_home.setdefault(each.home_id, []).append(each)
    if not by_home:
        return []
    rows = get_namespace_model().objects.filter(pk__in=list(by_home)).order_by("slug")
    return [Home(each, tuple(by_home[each.pk])) for each in with_behind(rows, "schema_name")]


def chunks_of(homes: Sequence[Home]) -> list[Sequence[Home]]:
    """Return the homes in lots that one statement may touch."""
    size = settings().SCHEMAS_PER_STATEMENT
    return [homes[first : first + size] for first in range(0, len(homes), size)]
