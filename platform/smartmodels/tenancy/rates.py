"""What counts requests in PostgreSQL: one row for each limit that somebody is under."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models

from smartmodels.conf import settings

__all__ = ["AbstractRateCount", "get_rate_model"]


class AbstractRateCount(models.Model):
    """How often ``key`` asked in the window that began then, in seconds since 1970.

    The table is UNLOGGED: writing it costs no log, and a crash of the server empties it.
    """

    key = models.CharField(primary_key=True, max_length=120)
    begun = models.BigIntegerField()
    used = models.PositiveBigIntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.key}: {self.used}"


def get_rate_model() -> Any:
    """Return the concrete model of counts (``SMARTMODELS_RATE_MODEL``)."""
    return apps.get_model(settings().RATE_MODEL)
