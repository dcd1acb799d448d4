"""Move ownership from one user to another, over sets of rows."""

from __future__ import annotations

import uuid
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import F

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


def _move(filters: dict[str, Any], values: dict[str, Any], using: str) -> int:
    moved = 0
    with transaction.atomic(using=using), operation(action="handover"):
        for model in owned_models():
            rows = model.all_objects.using(using).filter(**filters)  # type: ignore[attr-defined]
            moved += rows.update(**values)
    return moved


def hand_over(user_id: uuid.UUID, *, using: str = "default") -> int:
    """Give everything the user owns in the bound namespace to the sentinel; return the number of rows.

    The rows remember whose they were, so that :func:`take_back` can return exactly them. Authorship
    (``created_by``) does not change. Repeating it changes nothing.
    """
    require_namespace()
    return _move({"owner_id": user_id}, {"owner_id": sentinel_id(), "former_owner_id": F("owner_id")}, using)


def take_back(user_id: uuid.UUID, *, using: str = "default") -> int:
    """Return to the user the living rows that the sentinel holds for them; return their number."""
    require_namespace()
    return _move(
        {"owner_id": sentinel_id(), "former_owner_id": user_id, "deleted_at__isnull": True},
        {"owner_id": F("former_owner_id"), "former_owner_id": None},
        using,
    )
