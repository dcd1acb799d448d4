"""Webhooks: the changes of a namespace, sent to receivers elsewhere; at least once, and in order.

What is to be sent is read from the order in which history itself keeps changes, so nothing is written
beside a change for it (docs/decisions/0024).
"""

from smartmodels.webhooks.addresses import URL_PATTERN, check_url
from smartmodels.webhooks.collecting import due_webhooks, prune_deliveries
from smartmodels.webhooks.delivering import Page, ReadChanges, deliver, replay
from smartmodels.webhooks.errors import TooManyWebhooks, WebhookInactive
from smartmodels.webhooks.models import AbstractDelivery, AbstractWebhook, DeliveryState
from smartmodels.webhooks.signing import new_salt, secret_of

__all__ = [
    "URL_PATTERN",
    "AbstractDelivery",
    "AbstractWebhook",
    "DeliveryState",
    "Page",
    "ReadChanges",
    "TooManyWebhooks",
    "WebhookInactive",
    "check_url",
    "deliver",
    "due_webhooks",
    "new_salt",
    "prune_deliveries",
    "replay",
    "secret_of",
]
