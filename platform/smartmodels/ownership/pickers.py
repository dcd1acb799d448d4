"""Whom people are offered where an owner, or a member, is to be chosen."""

from __future__ import annotations

import uuid
from typing import Any

from smartmodels.conf import settings
from smartmodels.ownership.sentinel import sentinel_id

__all__ = ["choosable", "service_ids"]


def service_ids() -> frozenset[uuid.UUID]:
    """Return the keys of the accounts that services use (``SMARTMODELS_SERVICE_UIDS``) and the sentinel's."""
    return frozenset({sentinel_id(), *(uuid.UUID(uid) for uid in settings().SERVICE_UIDS)})


def choosable(users: Any) -> Any:
    """Return the users without the accounts of services, which are nobody to give something to."""
    return users.exclude(pk__in=service_ids())
