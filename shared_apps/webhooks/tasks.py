"""Look for what is to be sent, and send it."""

from __future__ import annotations

from typing import Any

from django.db import close_old_connections

from shared_apps.webhooks.grants import described
from smartmodels import webhooks
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import Place
from smartmodels.jobs import job
from smartmodels.rest import FullExposure, read_changes

__all__ = ["collect", "deliver", "prune", "send_again"]


@job("webhooks.deliver", atomic=False, timeout=900)
def deliver(webhook: str) -> int:
    """Send what is due for a webhook of the bound namespace; return how many messages arrived."""
    exposure = FullExposure()

    def read(place: Place, limit: int) -> webhooks.Page:
        return read_changes(place, exposure, limit)

    return webhooks.deliver(webhook, read, described)


def send_again(delivery: Any) -> None:
    """Have a message sent again, under the id that it had; raise WebhookInactive."""
    webhooks.replay(delivery)
    deliver.enqueue(key=str(delivery.webhook_id), webhook=str(delivery.webhook_id))


@job("webhooks.collect", atomic=False, every="* * * * * */10")
def collect() -> int:
    """Queue the delivery of every webhook that has something to send; return how many.

    Each is done for the person who made the webhook, whose rows alone they are in private mode.
    """
    queued = 0
    for webhook in webhooks.due_webhooks():
        actor = Actor("user", webhook.created_by_label, webhook.created_by_id)
        with namespace_scope(webhook.namespace), operation(actor=actor, nested=False):
            deliver.enqueue(key=str(webhook.pk), webhook=str(webhook.pk))
        queued += 1
        close_old_connections()  # one that met many schemas
    return queued


@job("webhooks.prune", every="25 3 * * *")
def prune() -> int:
    """Forget messages that were sent long ago; return how many."""
    return webhooks.prune_deliveries()
