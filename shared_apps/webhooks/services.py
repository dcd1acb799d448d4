"""What is done with the webhooks of a namespace, by whatever door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shared_apps.webhooks.models import Webhook
from smartmodels.conf import settings
from smartmodels.context import require_operation
from smartmodels.history import newest_place
from smartmodels.webhooks import TooManyWebhooks, new_salt

__all__ = ["make_webhook", "rotate_webhook", "wake_webhook", "webhooks_of"]

_BOTH_SECRETS = timedelta(hours=24)


def webhooks_of(namespace: Any) -> Any:
    """Return the webhooks of a namespace, in the order in which they were made."""
    return Webhook.objects.filter(namespace_id=namespace.pk).order_by("id")


def make_webhook(namespace: Any, values: Mapping[str, Any]) -> Webhook:
    """Have changes of the bound namespace sent from now on; raise TooManyWebhooks."""
    with transaction.atomic():
        type(namespace).objects.select_for_update().get(pk=namespace.pk)
        if webhooks_of(namespace).count() >= settings().WEBHOOKS_MAX:
            raise TooManyWebhooks("This namespace has as many webhooks as it may: remove one first.")
        actor = require_operation().principal
        made = Webhook(namespace=namespace, salt=new_salt(), **values)
        made.created_by_id, made.created_by_label = actor.user_id, actor.label[:300]
        made.place = newest_place()
        made.save(force_insert=True)
    return made


def wake_webhook(webhook: Webhook, values: Mapping[str, Any]) -> None:
    """Forget why a webhook was switched off, if the new values switch it on again; nothing is saved."""
    if values.get("active") and not webhook.active:
        webhook.failures, webhook.disabled_because = 0, ""


def rotate_webhook(webhook: Webhook) -> None:
    """Give a locked webhook a new secret; for a day messages are signed with the former one, too."""
    webhook.former_salt, webhook.former_until = webhook.salt, timezone.now() + _BOTH_SECRETS
    webhook.salt = new_salt()
    webhook.save(update_fields=["salt", "former_salt", "former_until"])
