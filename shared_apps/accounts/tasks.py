"""What is done for accounts in the background."""

from __future__ import annotations

import time

from django.utils import timezone

from shared_apps.accounts.models import RateCount, Session
from smartmodels.conf import settings
from smartmodels.jobs import job

__all__ = ["forget_counts", "forget_sessions"]


@job("accounts.forget_sessions", every="17 * * * *")
def forget_sessions() -> int:
    """Remove sessions that have expired; return how many."""
    number: int
    number, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return number


@job("accounts.forget_counts", every="23 4 * * *")
def forget_counts() -> int:
    """Remove what was counted for rate limits in windows that are over; return how many rows."""
    longest = max((seconds for _, seconds in settings().RATE_LIMITS.values()), default=1)
    number: int
    number, _ = RateCount.objects.filter(begun__lt=time.time() - 2 * longest).delete()
    return number
