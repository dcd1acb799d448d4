"""What counts requests in PostgreSQL: one row for each limit that somebody is under."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.migrations.operations import RunSQL

from smartmodels.conf import settings
from smartmodels.tenancy.triggers import quoted

__all__ = ["AbstractRateCount", "CreateRateCounts", "get_rate_model"]


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


class CreateRateCounts(RunSQL):
    """Create, or bring up to date, the function of rates.sql, which counts.

    Put this operation into the migration that makes the table of the counts, after it.
    """

    def __init__(self) -> None:
        table = f"public.{quoted(get_rate_model()._meta.db_table)}"
        sql = files("smartmodels.tenancy").joinpath("rates.sql").read_text().replace("{counts}", table)
        super().__init__(
            sql=sql,
            reverse_sql="DROP FUNCTION IF EXISTS public.smartmodels_count(text[], integer[], integer[])",
        )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__qualname__, [], {})

    def describe(self) -> str:
        return "Create the function that counts requests"
