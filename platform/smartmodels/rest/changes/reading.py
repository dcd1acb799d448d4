"""A page of the change feed, as it is told."""

from __future__ import annotations

from typing import Any, NamedTuple

from smartmodels.history import Place, read_on
from smartmodels.rest.changes.describing import EntrySerializer
from smartmodels.rest.changes.exposing import Exposure
from smartmodels.rest.changes.telling import tell

__all__ = ["ChangePage", "read_changes"]


class ChangePage(NamedTuple):
    """Entries with their places, in order; the place to read on from; whether there is more already."""

    entries: list[tuple[Place, dict[str, Any]]]
    place: Place
    more: bool


def read_changes(place: Place, exposure: Exposure, limit: int) -> ChangePage:
    """Return the next changes of the bound namespace that may be told; raises ChangesGone.

    At most ``limit`` versions are looked at; of those that may not be told there is no entry.
    """
    part = read_on(place, exposure.models, limit)
    entries = [(each, dict(EntrySerializer(entry).data)) for each, entry in tell(part, exposure)]
    return ChangePage(entries, part.place, part.more)
