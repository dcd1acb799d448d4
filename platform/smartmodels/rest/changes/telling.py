"""Versions as entries of the change feed: which row, what was done to it, by whom; no values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smartmodels.history import Part, Place, changes_by_version
from smartmodels.rest.changes.exposing import Exposure

__all__ = ["tell"]

_STATE = "state"


def tell(part: Part, exposure: Exposure) -> list[tuple[Place, dict[str, Any]]]:
    """Return what may be told of a part of the feed, each with its place.

    Takes up to three queries per model with versions among them, and one per tracked link, whatever the
    number of versions.
    """
    by_model: dict[Any, list[Any]] = {}
    for _, version in part.versions:
        by_model.setdefault(version.instance_type, []).append(version)
    told: dict[tuple[Any, int], dict[str, Any]] = {}
    for model, versions in by_model.items():
        told.update(((model, entry["version"]), entry) for entry in _entries(model, versions, exposure))
    places = (
        (place, told.get((version.instance_type, version.history_id))) for place, version in part.versions
    )
    return [(place, entry) for place, entry in places if entry is not None]


def _entries(model: Any, versions: list[Any], exposure: Exposure) -> Iterator[dict[str, Any]]:
    key, path, names = model._meta.pk.attname, exposure.path(model), exposure.names(model)
    hidden = exposure.hidden(model, {getattr(each, key) for each in versions})
    changes = changes_by_version(model, versions)
    for version in versions:
        if getattr(version, key) in hidden:
            continue
        changed = {change.field for change in changes.get(version.history_id, ())}
        shown = [name for source, name in names.items() if source in changed]
        yield {
            "resource": path,
            "id": str(getattr(version, key)),
            "version": version.history_id,
            "action": version.action,
            "operation": version.operation_id,
            "actor": {
                "kind": version.actor_kind,
                "label": version.actor_label,
                "user": version.history_user_id,
            },
            "at": version.history_date,
            "changed": [_STATE, *shown] if _STATE in changed else shown,
        }
