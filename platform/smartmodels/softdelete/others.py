"""Private mode: nobody deletes rows of others along with their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from smartmodels.exceptions import NotPermitted
from smartmodels.querysets import owned, sees_everything
from smartmodels.softdelete.relations import Model

__all__ = ["refuse_others"]


def refuse_others(found: Iterable[Mapping[Model, Iterable[Any]]], using: str) -> None:
    """Raise NotPermitted when some of the rows, given as keys by model, are not the actor's.

    The error says how many, never which. In shared mode, and for those who see everything, nothing is asked.
    """
    if sees_everything():
        return
    keys: dict[Model, set[Any]] = {}
    for part in found:
        for model, some in part.items():
            if hasattr(model, "owner_before_deletion_id"):
                keys.setdefault(model, set()).update(some)
    count = sum(_others(model, several, using) for model, several in keys.items())
    if count:
        raise NotPermitted(
            f"{count} of the rows that this would delete or change belong to others: "
            "ask their owners, or somebody who sees everything, to move or delete those first.",
            rows=count,
        )


def _others(model: Model, keys: set[Any], using: str) -> int:
    rows = model.all_objects.using(using).filter(pk__in=keys)
    return int(rows.count() - owned(rows).count())
