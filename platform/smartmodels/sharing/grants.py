"""Grants: by whose consent a row is visible in another namespace, and what may be done with it there."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings as django_settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from smartmodels.conf import settings
from smartmodels.tenancy.models import new_key

__all__ = [
    "LIVING",
    "AbstractGrant",
    "GrantCause",
    "GrantEnd",
    "GrantHistory",
    "GrantRole",
    "GrantStatus",
    "get_event_model",
    "get_grant_model",
    "get_policy_model",
    "get_registry_model",
]


class GrantRole(models.TextChoices):
    """What a grant allows in the target; each role may do what the ones before it may."""

    VIEW = "view"
    EDIT = "edit"
    MANAGE = "manage"

    @property
    def rank(self) -> int:
        """Return how much the role may, to compare roles by."""
        return list(GrantRole).index(self)


class GrantStatus(models.TextChoices):
    """Where a grant is in its life; only an active one that has not expired makes a row visible."""

    PENDING = "pending"
    ACTIVE = "active"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"
    LEFT = "left"
    SUSPENDED = "suspended"


class GrantCause(models.TextChoices):
    """What made a grant: somebody, ``INHERIT_NAMESPACES``, or a grant that covers what the row belongs to."""

    MANUAL = "manual"
    DEFAULT = "default"
    RULE = "rule"


class GrantHistory(models.TextChoices):
    """Which versions of the row the target may read."""

    NONE = "none"
    SINCE = "since"
    FULL = "full"


class GrantEnd(models.TextChoices):
    """What the target keeps when the home goes: nothing, or a copy of the row."""

    NONE = "none"
    COPY = "copy"


LIVING = (GrantStatus.PENDING, GrantStatus.ACTIVE, GrantStatus.SUSPENDED)
"""The statuses of grants that have not ended."""

_LIVING = [status.value for status in LIVING]


class AbstractGrant(models.Model):
    """Consent that a shared resource is visible in the namespace ``target``.

    In private mode it is consent that ``user``, a member of the home, sees a row of somebody else's: it has
    no ``target`` then.
    ``model`` and ``row_id`` repeat those of the registry, and ``resource_deleted`` its mark, so that one
    index answers what is visible. An offer to a name that no namespace has, or that takes none, has no
    ``target``: whoever offers learns nothing from it. Triggers allow only the steps of
    :data:`GrantStatus` that exist, and write an event of each (``sharing.sql``).
    """

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    resource = models.ForeignKey(
        "sharing.SharedResource", on_delete=models.CASCADE, related_name="grants", db_index=False
    )
    model = models.CharField(max_length=100, editable=False)
    row_id = models.UUIDField(editable=False)
    home = models.ForeignKey(
        django_settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="grants_out"
    )
    target = models.ForeignKey(
        django_settings.TENANT_MODEL, on_delete=models.CASCADE, null=True, related_name="grants_in"
    )
    target_slug = models.CharField(
        max_length=254, help_text="The name it was offered to; of a user their e-mail address."
    )
    user = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    role = models.CharField(max_length=6, choices=GrantRole.choices, default=GrantRole.VIEW)
    cause = models.CharField(max_length=7, choices=GrantCause.choices, default=GrantCause.MANUAL)
    covers_below = models.BooleanField(
        default=False, help_text="Whether new rows that belong to the row are granted like it."
    )
    may_reshare = models.BooleanField(default=False)
    source = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="followers", editable=False,
        help_text="The grant it comes from, passed on or covering: it ends with that.",
    )  # fmt: skip
    passer = models.ForeignKey(
        django_settings.TENANT_MODEL, on_delete=models.SET_NULL, null=True, related_name="grants_passed",
        editable=False, db_index=False, help_text="The namespace that passed it on, which may take it back.",
    )  # fmt: skip
    status = models.CharField(max_length=9, choices=GrantStatus.choices, default=GrantStatus.PENDING)
    resource_deleted = models.BooleanField(default=False, editable=False)
    history = models.CharField(max_length=5, choices=GrantHistory.choices, default=GrantHistory.NONE)
    at_end = models.CharField(max_length=4, choices=GrantEnd.choices, default=GrantEnd.NONE)
    expires_at = models.DateTimeField(null=True, blank=True)
    answer_by = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by_label = models.TextField(default="", editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    decided_by_label = models.TextField(default="", editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_by_label = models.TextField(default="", editable=False)
    copied_at = models.DateTimeField(null=True, editable=False)
    copied_as = models.UUIDField(null=True, editable=False)
    copy_refused = models.TextField(
        default="", editable=False, help_text="Why no copy could be made, where one was promised."
    )

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["resource", "target"],
                condition=Q(status__in=_LIVING, target__isnull=False),
                name="%(app_label)s_one_living_grant",
            ),
            models.UniqueConstraint(
                # By whom it was offered: who passes a row on learns nothing of what its home offered.
                fields=["resource", "target_slug", "source"],
                nulls_distinct=False,
                condition=Q(status__in=_LIVING, target__isnull=True, user__isnull=True),
                name="%(app_label)s_one_living_offer",
            ),
            models.UniqueConstraint(
                fields=["resource", "user"],
                condition=Q(status__in=_LIVING, user__isnull=False),
                name="%(app_label)s_one_living_user",
            ),
            models.CheckConstraint(
                condition=Q(target__isnull=True) | ~Q(home=F("target")),
                name="%(app_label)s_not_to_home",
            ),
            models.CheckConstraint(
                condition=Q(target__isnull=True) | Q(user__isnull=True),
                name="%(app_label)s_to_one_of_both",
            ),
            models.CheckConstraint(
                # What is shared with a user is one row: nothing below, passed on by nobody, never copied.
                condition=Q(user__isnull=True)
                | Q(covers_below=False, may_reshare=False, source__isnull=True, at_end=GrantEnd.NONE),
                name="%(app_label)s_plain_to_users",
            ),
            models.CheckConstraint(
                condition=Q(target__isnull=False)
                | Q(user__isnull=False)
                | ~Q(status__in=["active", "suspended"]),
                name="%(app_label)s_of_somebody",
            ),
            models.CheckConstraint(condition=Q(role__in=GrantRole.values), name="%(app_label)s_role_known"),
        ]
        indexes: ClassVar[list[Any]] = [
            # Lists and single rows: what is visible in a namespace, in the order of its keys.
            models.Index(
                fields=["target", "model", "row_id"],
                condition=Q(status="active", resource_deleted=False),
                name="%(app_label)s_grant_visible",
            ),
            models.Index(
                fields=["user", "model", "row_id"],
                condition=Q(status="active", resource_deleted=False, user__isnull=False),
                name="%(app_label)s_grant_shown",
            ),
            # Grants of a row, and whether any of them has to follow it: a write looks at none that has not.
            models.Index(fields=["resource", "resource_deleted"], name="%(app_label)s_grant_marks"),
            models.Index(fields=["target", "-created_at", "-id"], name="%(app_label)s_grant_inbox"),
            models.Index(fields=["home", "-created_at", "-id"], name="%(app_label)s_grant_outbox"),
            models.Index(
                fields=["passer", "-created_at", "-id"],
                condition=Q(passer__isnull=False),
                name="%(app_label)s_grant_passed",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=_LIVING, expires_at__isnull=False),
                name="%(app_label)s_grant_expiry",
            ),
            models.Index(
                fields=["answer_by"], condition=Q(status="pending"), name="%(app_label)s_grant_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.row_id} to {self.target_slug}: {self.status}"


def get_grant_model() -> Any:
    """Return the concrete grant model (``SMARTMODELS_GRANT_MODEL``)."""
    return apps.get_model(settings().GRANT_MODEL)


def get_registry_model() -> Any:
    """Return the concrete model of the registry: what grants point at."""
    return get_grant_model()._meta.get_field("resource").related_model


def get_event_model() -> Any:
    """Return the concrete model of what happened to grants: ``GrantEvent`` of the same app."""
    return apps.get_model(get_grant_model()._meta.app_label, "GrantEvent")


def get_policy_model() -> Any:
    """Return the concrete model of what namespaces share and take: ``SharingPolicy`` of the same app."""
    return apps.get_model(get_grant_model()._meta.app_label, "SharingPolicy")
