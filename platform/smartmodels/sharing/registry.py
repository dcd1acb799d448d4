"""The registry: one row in the public schema for each resource that is, or was, shared."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings as django_settings
from django.db import models
from django.db.models.functions import Now

from smartmodels.tenancy.models import new_key

__all__ = ["LABEL_LENGTH", "AbstractSharedResource"]

LABEL_LENGTH = 200
"""Characters of a row's label that the registry keeps."""


class AbstractSharedResource(models.Model):
    """One row per resource that is, or was, shared: its home, its model and its key.

    Triggers on the tables of resources keep it equal to the row in the same transaction, whatever wrote that
    (``sharing.sql``): ``version`` grows with every change, ``deleted_at`` and ``label`` are those of the row,
    ``owner_id`` is whose it is,
    ``purged_at`` says when it went for good. ``sorted_at`` never changes: lists of shared rows go by it.
    """

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    home = models.ForeignKey(django_settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="+")
    model = models.CharField(max_length=100, help_text="Label of the model, such as research.study.")
    resource_id = models.UUIDField()
    label = models.CharField(max_length=LABEL_LENGTH, blank=True, default="")
    sorted_at = models.DateTimeField(editable=False)
    owner_id = models.UUIDField(
        null=True, editable=False, help_text="Whose the row is; of a deleted one whose it was."
    )
    version = models.BigIntegerField(default=1, db_default=1, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    purged_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["home", "model", "resource_id"], name="%(app_label)s_registered_once"
            )
        ]

    def __str__(self) -> str:
        return self.label or str(self.resource_id)
