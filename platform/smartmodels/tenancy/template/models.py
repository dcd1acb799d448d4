"""Abstract model of a recorded template; a shared app makes it concrete."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from django.db.models.functions import Now

from smartmodels.conf import settings

__all__ = ["AbstractSchemaTemplate", "get_template_model"]


class AbstractSchemaTemplate(models.Model):
    """What one state of the code's migrations makes of an empty schema.

    ``script`` makes it again, ``definitions`` says what it is made of, ``migrations`` which ones made it.
    Where it could not be recorded ``script`` is empty and ``error`` says why.
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    basis = models.CharField(max_length=64)
    schema_name = models.CharField(max_length=63)
    script = models.TextField(blank=True, default="")
    definitions = models.JSONField(default=dict)
    migrations = models.JSONField(default=dict)
    error = models.TextField(blank=True, default="")
    made_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["-made_at"]

    def __str__(self) -> str:
        return self.fingerprint[:12]


def get_template_model() -> Any:
    """Return the concrete model of templates (``SMARTMODELS_TEMPLATE_MODEL``)."""
    return apps.get_model(settings().TEMPLATE_MODEL)
