"""What grants are by the clock, whether or not anybody noted it yet, and on whose side a step was done."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.utils import timezone

from smartmodels.sharing.grants import LIVING, GrantStatus

__all__ = ["Side", "is_over", "side_of", "status_of"]

Side = Literal["home", "target"]

_STEPS_OF_TARGET = (GrantStatus.DECLINED, GrantStatus.LEFT)


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


def side_of(event: Any) -> Side | None:
    """Return on whose side a step was done: the target accepts, declines and leaves; the rest is the home's.

    None for what a third namespace passed on, and for the end of a time, which whoever comes first notes.
    """
    if event.passed_on or event.status == GrantStatus.EXPIRED:
        return None
    accepted = event.status_before == GrantStatus.PENDING and event.status in (
        GrantStatus.ACTIVE,
        GrantStatus.SUSPENDED,
    )
    return "target" if accepted or event.status in _STEPS_OF_TARGET else "home"
