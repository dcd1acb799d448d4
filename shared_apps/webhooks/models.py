"""Webhooks of all namespaces, and what was sent for them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from smartmodels.webhooks import AbstractDelivery, AbstractNotice, AbstractWebhook, Noticed

__all__ = ["Delivery", "Notice", "Webhook"]


class Webhook(AbstractWebhook):
    """Where changes of a namespace are sent."""

    class Meta(AbstractWebhook.Meta):
        pass


class Delivery(AbstractDelivery):
    """One message to the receiver of a webhook."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")

    class Meta(AbstractDelivery.Meta):
        pass


class Notice(AbstractNotice):
    """Something that became of a grant, of which a webhook is still to tell."""

    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="notices", db_constraint=False
    )

    class Meta(AbstractNotice.Meta):
        constraints: ClassVar[list[Any]] = [Noticed(name="webhooks_noticed")]
