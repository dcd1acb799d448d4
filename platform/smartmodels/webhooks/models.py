"""A subscription to the changes of a namespace, and what was sent for it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings as django_settings
from django.db import models
from django.db.models.functions import Now

from smartmodels.conf import settings
from smartmodels.history import Place
from smartmodels.sharing import get_event_model
from smartmodels.tenancy.models import new_key
from smartmodels.tenancy.triggers import Trigger, TriggerConstraint

__all__ = [
    "AbstractDelivery",
    "AbstractNotice",
    "AbstractWebhook",
    "DeliveryState",
    "Noticed",
    "get_delivery_model",
    "get_notice_model",
    "get_webhook_model",
]


class DeliveryState(models.TextChoices):
    """Whether a delivery arrived; one that failed was tried often enough."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class AbstractWebhook(models.Model):
    """Where changes of a namespace are sent.

    ``resources`` and ``actions`` narrow what is sent; empty means all. The secret is not stored: it is made
    of ``salt`` and the site's key. ``position``, ``chain`` and ``number`` are how far was read; ``failures``
    counts deliveries that failed for good, one after another.
    """

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    namespace = models.ForeignKey(
        django_settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="webhooks"
    )
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True, default="")
    resources = models.JSONField(default=list)
    actions = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    disabled_because = models.CharField(max_length=200, blank=True, default="")
    failures = models.PositiveIntegerField(default=0)
    salt = models.BinaryField(editable=False)
    former_salt = models.BinaryField(null=True, editable=False)
    former_until = models.DateTimeField(null=True, editable=False)
    position = models.BigIntegerField(default=0, editable=False)
    chain = models.BinaryField(default=b"", editable=False)
    number = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by_id = models.UUIDField(null=True, editable=False)
    created_by_label = models.CharField(max_length=300, blank=True, default="", editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.url

    @property
    def place(self) -> Place:
        """Return how far was read."""
        return Place(self.position, bytes(self.chain), self.number)

    @place.setter
    def place(self, place: Place) -> None:
        self.position, self.chain, self.number = place.position, place.chain, place.number

    def wants(self, entry: dict[str, Any]) -> bool:
        """Tell whether a change is to be sent."""
        return (not self.resources or entry["resource"] in self.resources) and (
            not self.actions or entry["action"] in self.actions
        )


class AbstractDelivery(models.Model):
    """One message: ``body`` is sent as it stands, however often, under one id.

    The concrete model adds ``webhook``, whose ``deliveries`` these are.
    """

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    body = models.TextField(editable=False)
    changes = models.PositiveIntegerField(editable=False)
    state = models.CharField(
        max_length=9, choices=DeliveryState.choices, default=DeliveryState.PENDING, editable=False
    )
    attempts = models.PositiveIntegerField(default=0, editable=False)
    status = models.PositiveIntegerField(null=True, editable=False)
    error = models.CharField(max_length=300, blank=True, default="", editable=False)
    seconds = models.FloatField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    delivered_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["webhook", "-id"], name="%(app_label)s_delivery_newest"),
            models.Index(
                fields=["webhook", "id"],
                condition=models.Q(state="pending"),
                name="%(app_label)s_delivery_pending",
            ),
            models.Index(fields=["created_at"], name="%(app_label)s_delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.pk}"

    @property
    def message_id(self) -> str:
        """Return the id under which receivers know the message."""
        return f"msg_{self.pk.hex}"


class Noticed(TriggerConstraint):
    """The trigger on the events of grants that writes notices; it stands on a table of another app."""

    def triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return the trigger, whichever table the notices are in."""
        del table
        events = get_event_model()._meta.db_table
        fires = "AFTER INSERT ON {table} FOR EACH ROW WHEN (NEW.target_id IS NOT NULL)"
        return (Trigger("webhooks_grant_noticed", events, fires, "smartmodels_grant_noticed"),)


class AbstractNotice(models.Model):
    """An event of a grant of which a webhook is still to tell; written by the database (``notices.sql``).

    The concrete model adds ``webhook``, whose ``notices`` these are, without a constraint: who shares a row
    does not wait for what is being delivered.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.BigIntegerField(editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"event {self.event_id}"


def get_webhook_model() -> Any:
    """Return the concrete model of webhooks (``SMARTMODELS_WEBHOOK_MODEL``)."""
    return apps.get_model(settings().WEBHOOK_MODEL)


def get_notice_model() -> Any:
    """Return the concrete model of notices: ``Notice`` of the app that holds the webhooks."""
    return apps.get_model(get_webhook_model()._meta.app_label, "Notice")


def get_delivery_model() -> Any:
    """Return the concrete model of deliveries: ``Delivery`` of the app that holds the webhooks."""
    return apps.get_model(get_webhook_model()._meta.app_label, "Delivery")
