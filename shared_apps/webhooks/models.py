"""Webhooks of all namespaces, and what was sent for them."""

from __future__ import annotations

from django.db import models

from smartmodels.webhooks import AbstractDelivery, AbstractWebhook

__all__ = ["Delivery", "Webhook"]


class Webhook(AbstractWebhook):
    """Where changes of a namespace are sent."""

    class Meta(AbstractWebhook.Meta):
        pass


class Delivery(AbstractDelivery):
    """One message to the receiver of a webhook."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")

    class Meta(AbstractDelivery.Meta):
        pass
