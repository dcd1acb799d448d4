"""The sentinel: the system user that owns what deleted users and deleted rows leave behind."""

from __future__ import annotations

import uuid

from smartmodels.conf import settings

__all__ = ["is_sentinel", "sentinel_id"]


def sentinel_id() -> uuid.UUID:
    """Return the key of the sentinel user (``SMARTMODELS_SENTINEL_UID``)."""
    return uuid.UUID(settings().SENTINEL_UID)


def is_sentinel(user_id: uuid.UUID | None) -> bool:
    """Tell whether ``user_id`` is the sentinel's."""
    return user_id == sentinel_id()
