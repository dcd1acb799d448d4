"""What counts requests in PostgreSQL: one row for each limit that somebody is under."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from smartmodels.conf import settings

__all__ = ["AbstractRateCount", "get_rate_model"]


class AbstractRateCount(models.Model):
    """How often ``key`` was let in, by slots of which ten make a window.

    ``used`` counts the newest ``slot`` first, ``asked`` is one more than all of them were before the last
    request, and ``begun`` is when that was, in seconds since 1970.
    The table is UNLOGGED: writing it costs no log, and a crash of the server empties it.
    """

    key = models.CharField(primary_key=True, max_length=120)
    begun = models.BigIntegerField()
    slot = models.BigIntegerField()
    used = ArrayField(models.PositiveIntegerField())
    asked = models.PositiveIntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.key}: {sum(self.used)}"


def get_rate_model() -> Any:
    """Return the concrete model of counts (``SMARTMODELS_RATE_MODEL``)."""
    return apps.get_model(settings().RATE_MODEL)
