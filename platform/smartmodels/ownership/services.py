"""Move ownership from one user to another, over sets of rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db import models, transaction

from smartmodels.context import operation, require_namespace
from smartmodels.ownership.sentinel import sentinel_id

__all__ = ["hand_over", "owned_models", "take_back"]


def owned_models() -> list[type[models.Model]]:
    """Return the concrete models whose rows have an owner."""
    return [
        model
        for model in apps.get_models()
        if hasattr(model, "former_owner_id") and hasattr(model, "all_objects") and not model._meta.proxy
    ]


def _move(moves: Iterable[tuple[dict[str, Any], dict[str, Any]]], using: str) -> int:
    """Set, of every owned model, the values of each move on the rows that its filters find."""
    moved = 0
    with transaction.atomic(using=using), operation(action="handover"):
        for model in owned_models():
            for filters, values in moves:
                rows = model.all_objects.using(using).filter(**filters)  # type: ignore[attr-defined]
                moved += rows.update(**values)
    return moved


def hand_over(user_id: uuid.UUID, *, using: str = "default") -> int:
    """Give everything the user owns in the bound namespace to the sentinel; return the number of rows.

    Deleted rows count: restored later, they go to the sentinel as well. The rows remember whose they
    were, so that :func:`take_back` can return exactly them. Authorship (``created_by``) does not change.
    Repeating it changes nothing.
    """
    require_namespace()
    remembered = {"former_owner_id": user_id}
    owned = ({"owner_id": user_id}, {"owner_id": sentinel_id(), **remembered})
    deleted = (
        {"owner_before_deletion_id": user_id},
        {"owner_before_deletion_id": sentinel_id(), **remembered},
    )
    return _move((owned, deleted), using)


def take_back(user_id: uuid.UUID, *, using: str = "default") -> int:
    """Return to the user the rows, living and deleted, that the sentinel holds for them; return how many."""
    require_namespace()
    held = {"former_owner_id": user_id}
    forgotten = {"former_owner_id": None}
    living = (
        {"owner_id": sentinel_id(), "deleted_at__isnull": True, **held},
        {"owner_id": user_id, **forgotten},
    )
    deleted = (
        {"owner_before_deletion_id": sentinel_id(), **held},
        {"owner_before_deletion_id": user_id, **forgotten},
    )
    return _move((living, deleted), using)
