"""Links that a soft deletion cut, so that a restore can tie them again."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.db import models

from smartmodels.conf import settings
from smartmodels.querysets import ScopedQuerySet

__all__ = ["AbstractSeveredLink", "severed_links"]


class AbstractSeveredLink(models.Model):
    """One foreign key that was set to null (SET_NULL) because what it pointed at was soft-deleted."""

    operation_id = models.UUIDField(editable=False)
    table = models.CharField(max_length=63, editable=False)
    column = models.CharField(max_length=63, editable=False)
    row_key = models.TextField(editable=False)
    target_key = models.TextField(editable=False)

    objects: ClassVar[Any] = models.Manager.from_queryset(ScopedQuerySet)()

    class Meta:
        abstract = True
        db_table = "ledger_severed_link"
        indexes: ClassVar = [models.Index(fields=["operation_id", "table"], name="ledger_severed_operation")]


def severed_links() -> Any:
    """Return the concrete model, which lives in the app that ``SMARTMODELS_LEDGER_APP`` names."""
    return apps.get_model(settings().LEDGER_APP, "SeveredLink")
