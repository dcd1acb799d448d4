"""The sentinel: the system user that owns what deleted users and deleted rows leave behind."""

from __future__ import annotations

import uuid
from functools import lru_cache

from smartmodels.conf import settings
from smartmodels.exceptions import SentinelProtected

__all__ = ["is_sentinel", "refuse_sentinel", "sentinel_id"]


def sentinel_id() -> uuid.UUID:
    """Return the key of the sentinel user (``SMARTMODELS_SENTINEL_UID``)."""
    return _parsed(settings().SENTINEL_UID)


@lru_cache(maxsize=8)
def _parsed(uid: str) -> uuid.UUID:
    # Asked for with every write.
    return uuid.UUID(uid)


def is_sentinel(user_id: uuid.UUID | None) -> bool:
    """Tell whether ``user_id`` is the sentinel's."""
    return user_id == sentinel_id()


def refuse_sentinel(user_id: uuid.UUID | None, what: str) -> None:
    """Raise SentinelProtected if ``user_id`` is the sentinel's, which cannot be or do ``what``."""
    if is_sentinel(user_id):
        raise SentinelProtected(f"The sentinel owns what others left behind: it cannot {what}.")
