"""Events: what happened to grants, one row for each change, written by the database and never changed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

__all__ = ["AbstractGrantEvent"]


class AbstractGrantEvent(models.Model):
    """One change of a grant: what it was, what it is, who did it and when.

    Names and keys stand in it by value, since it outlives grants and namespaces.
    """

    outlives_namespace = True

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    grant_id = models.UUIDField(editable=False)
    home_id = models.UUIDField(editable=False)
    home_slug = models.CharField(max_length=31, default="", editable=False)
    target_id = models.UUIDField(null=True, editable=False)
    target_slug = models.CharField(max_length=254, default="", editable=False)
    to_user_id = models.UUIDField(null=True, editable=False)
    model = models.CharField(max_length=100, editable=False)
    row_id = models.UUIDField(editable=False)
    status_before = models.CharField(max_length=9, blank=True, default="", editable=False)
    status = models.CharField(max_length=9, editable=False)
    terms = models.JSONField(
        default=dict, editable=False, help_text="Role, expiry and the like from then on."
    )
    operation_id = models.UUIDField(null=True, editable=False)
    actor_kind = models.CharField(max_length=20, editable=False)
    actor_label = models.TextField(default="", editable=False)
    user_id = models.UUIDField(null=True, editable=False)
    reason = models.TextField(blank=True, default="", editable=False)
    passer_id = models.UUIDField(null=True, editable=False)
    side = models.CharField(
        max_length=6, blank=True, default="", db_default="", editable=False,
        help_text="Whose step it was: of home, target or passer; empty: nobody's, as when a time is over.",
    )  # fmt: skip

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["grant_id", "-id"], name="%(app_label)s_event_grant"),
            models.Index(fields=["home_id", "-id"], name="%(app_label)s_event_home"),
            models.Index(fields=["target_id", "-id"], name="%(app_label)s_event_target"),
            models.Index(
                fields=["passer_id", "-id"],
                condition=models.Q(passer_id__isnull=False),
                name="%(app_label)s_event_passer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status_before or 'none'} to {self.status}"
