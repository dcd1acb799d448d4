"""What grants are by the clock, whether or not anybody noted it yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from smartmodels.sharing.grants import LIVING, GrantStatus

__all__ = ["is_over", "status_of"]


def is_over(grant: Any) -> bool:
    """Tell whether the time of a grant is over, or that in which an offer can be accepted."""
    now = timezone.now()
    ends: list[datetime | None] = [grant.expires_at]
    if grant.status == GrantStatus.PENDING:
        ends.append(grant.answer_by)
    return any(end is not None and end <= now for end in ends)


def status_of(grant: Any) -> str:
    """Return what the grant is by now: one that lives past its time is expired."""
    return GrantStatus.EXPIRED if grant.status in LIVING and is_over(grant) else grant.status
