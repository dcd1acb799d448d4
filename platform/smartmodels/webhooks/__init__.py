"""Webhooks: the changes of a namespace, sent to receivers elsewhere; at least once, and in order.

What is to be sent of rows is read from the order in which history itself keeps changes, so nothing is written
beside a change for it (docs/decisions/0024). What becomes of grants of others' rows is noted for it, by the
transaction in which it happens.
"""

from smartmodels.webhooks.addresses import URL_PATTERN, check_url
from smartmodels.webhooks.collecting import due_webhooks, prune_deliveries
from smartmodels.webhooks.delivering import Page, ReadChanges, deliver, replay
from smartmodels.webhooks.errors import TooManyWebhooks, WebhookInactive
from smartmodels.webhooks.models import (
    AbstractDelivery,
    AbstractNotice,
    AbstractWebhook,
    DeliveryState,
    Noticed,
)
from smartmodels.webhooks.noticing import CreateNotices, Described
from smartmodels.webhooks.signing import new_salt, secret_of

__all__ = [
    "URL_PATTERN",
    "AbstractDelivery",
    "AbstractNotice",
    "AbstractWebhook",
    "CreateNotices",
    "DeliveryState",
    "Described",
    "Noticed",
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
