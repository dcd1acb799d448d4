"""What people do with resources: comment, favourite, like, vote."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.contenttypes.models import ContentType
from django.db import models

from smartmodels.models import SmartModel, UniqueAlive

__all__ = ["Activity"]


class Activity(SmartModel):
    """One person's comment, favourite, like or vote on any resource of the namespace.

    A resource is named by its type and key; the type lives in the public schema, so no constraint
    points there. Everybody has one favourite, one like and one vote per resource, and any number of
    comments. What somebody does with a resource that is shared with another namespace is kept here, too, and
    says through which.
    """

    class Kind(models.TextChoices):
        COMMENT = "comment"
        FAVOURITE = "favourite"
        LIKE = "like"
        UP_VOTE = "up_vote"
        DOWN_VOTE = "down_vote"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    resource_type = models.ForeignKey(
        ContentType, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    resource_id = models.UUIDField(db_index=True)
    text = models.TextField(blank=True, default="", help_text="The comment; empty for everything else.")
    via = models.CharField(
        max_length=31, blank=True, default="", editable=False,
        help_text="The namespace it came through, as it was called then; empty for this one.",
    )  # fmt: skip
    via_key = models.UUIDField(null=True, editable=False)

    class Meta(SmartModel.Meta):
        verbose_name_plural = "activities"

    class Smart:
        unique_alive: ClassVar = [
            UniqueAlive(
                ("created_by", "resource_type", "resource_id", "kind"), where=~models.Q(kind="comment")
            ),
            UniqueAlive(
                ("created_by", "resource_type", "resource_id"),
                where=models.Q(kind__in=["up_vote", "down_vote"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.resource_id}"
