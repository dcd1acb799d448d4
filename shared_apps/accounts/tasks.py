"""What is done for accounts in the background."""

from __future__ import annotations

from django.utils import timezone

from shared_apps.accounts.models import Session
from smartmodels.jobs import job

__all__ = ["forget_sessions"]


@job("accounts.forget_sessions", every="17 * * * *")
def forget_sessions() -> int:
    """Remove sessions that have expired; return how many."""
    number: int
    number, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return number
