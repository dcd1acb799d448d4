"""Abstract models of the registry of shared rows and of the grants; the sharing app makes them concrete."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings as django_settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from smartmodels.conf import settings
from smartmodels.tenancy.models import new_key

NAMESPACE = django_settings.TENANT_MODEL

__all__ = ["AbstractGrant", "AbstractSharedResource", "GrantRole", "GrantStatus", "get_grant_model"]


class GrantRole(models.TextChoices):
    """What a grant allows in the target namespace."""

    VIEW = "view"
    EDIT = "edit"
    MANAGE = "manage"


class GrantStatus(models.TextChoices):
    """Where a grant is in its life; only an active one that has not expired makes a row visible."""

    PENDING = "pending"
    ACTIVE = "active"
    DECLINED = "declined"
    REVOKED = "revoked"


LIVING = (GrantStatus.PENDING, GrantStatus.ACTIVE)


class AbstractSharedResource(models.Model):
    """One row per resource that is, or was, shared: its home, its model and its key."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    home = models.ForeignKey(NAMESPACE, on_delete=models.CASCADE, related_name="+")
    model = models.CharField(max_length=100, help_text="Label of the model, such as research.study.")
    resource_id = models.UUIDField()
    label = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["home", "model", "resource_id"], name="%(app_label)s_registered_once"
            )
        ]

    def __str__(self) -> str:
        return self.label


class AbstractGrant(models.Model):
    """Consent that a shared resource is visible in the namespace ``target``."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    resource = models.ForeignKey("sharing.SharedResource", on_delete=models.CASCADE, related_name="grants")
    home = models.ForeignKey(NAMESPACE, on_delete=models.CASCADE, related_name="grants_out")
    target = models.ForeignKey(NAMESPACE, on_delete=models.CASCADE, related_name="grants_in")
    role = models.CharField(max_length=6, choices=GrantRole.choices, default=GrantRole.VIEW)
    status = models.CharField(max_length=8, choices=GrantStatus.choices, default=GrantStatus.PENDING)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by_label = models.TextField(default="", editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    decided_by_label = models.TextField(default="", editable=False)

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["resource", "target"],
                condition=Q(status__in=["pending", "active"]),
                name="%(app_label)s_one_living_grant",
            ),
            models.CheckConstraint(condition=~Q(home=F("target")), name="%(app_label)s_not_to_home"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["target", "resource"], condition=Q(status="active"), name="%(app_label)s_grant_active"
            )
        ]

    def __str__(self) -> str:
        return f"{self.resource_id} to {self.target_id}: {self.status}"


def get_grant_model() -> Any:
    """Return the concrete grant model (``SMARTMODELS_GRANT_MODEL``)."""
    return apps.get_model(settings().GRANT_MODEL)
