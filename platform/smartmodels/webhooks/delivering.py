"""Read what is new for a webhook, send it, and keep what became of it: in order, at least once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from smartmodels.history import ChangesGone, Place, newest_place
from smartmodels.tenancy.models import State
from smartmodels.webhooks.errors import WebhookInactive
from smartmodels.webhooks.models import DeliveryState, get_delivery_model, get_webhook_model
from smartmodels.webhooks.noticing import Described, next_notices
from smartmodels.webhooks.sending import Answer, send
from smartmodels.webhooks.signing import signed_headers

__all__ = ["CHANGES", "RESET", "WAITS", "ReadChanges", "deliver", "replay"]

CHANGES, RESET = "changes", "changes.reset"
CHANGES_AT_ONCE = 100
MESSAGES_AT_ONCE = 50
WAITS = (5, 30, 120, 600, 3600, 4 * 3600, 12 * 3600)
"""Seconds between the attempts to deliver a message; after the last it has failed."""
FAILURES_MAX = 3
"""Messages that failed one after another, after which a webhook is switched off."""
_GONE = 410


class Page(Protocol):
    """Part of the change feed: entries with their places, the place behind them, whether there is more."""

    @property
    def entries(self) -> Any: ...

    @property
    def place(self) -> Place: ...

    @property
    def more(self) -> bool: ...


ReadChanges = Callable[[Place, int], Page]
"""Reads on in the change feed of the bound namespace, at most so many changes; may raise ChangesGone."""


def deliver(webhook_id: Any, read: ReadChanges, describe: Described) -> int:
    """Send what is due for a webhook of the bound namespace; return how many messages arrived.

    Ends when nothing is due, at the first that does not arrive, and after a while in any case: what is left
    is collected again. Who dies over it leaves the message pending, and it is sent again under the same id.
    """
    arrived = 0
    for _ in range(MESSAGES_AT_ONCE):
        due = _next_message(webhook_id, read, describe)
        if due is None:
            break
        webhook, message = due
        body = message.body.encode()
        answer = send(webhook.url, body, signed_headers(webhook, message.message_id, body))
        _keep(message, answer)
        if not answer.arrived:
            break
        arrived += 1
    return arrived


def _next_message(webhook_id: Any, read: ReadChanges, describe: Described) -> tuple[Any, Any] | None:
    """Return the webhook and the message to send now; one that is made of something new takes that."""
    with transaction.atomic():
        webhook = (
            get_webhook_model()
            .objects.select_for_update(of=("self",))
            .select_related("namespace")
            .filter(pk=webhook_id, active=True, namespace__state=State.ACTIVE)
            .first()
        )
        if webhook is None:
            return None
        pending = webhook.deliveries.filter(state=DeliveryState.PENDING).order_by("id").first()
        if pending is None:
            pending = _from_grants(webhook, describe) or _from_changes(webhook, read)
        elif pending.due_at > timezone.now():
            pending = None
        return None if pending is None else (webhook, pending)


def _from_grants(webhook: Any, describe: Described) -> Any | None:
    found = next_notices(webhook, describe, CHANGES_AT_ONCE)
    return None if found is None else _message(webhook, found[0], [], grants=found[1])


def _from_changes(webhook: Any, read: ReadChanges) -> Any | None:
    entries: list[dict[str, Any]] = []
    kind, more = CHANGES, True
    try:
        while more and not entries:
            page = read(webhook.place, CHANGES_AT_ONCE)
            webhook.place, more = page.place, page.more
            entries = [entry for _, entry in page.entries if webhook.wants(entry)]
    except ChangesGone:
        webhook.place, kind = newest_place(), RESET
    webhook.save(update_fields=["position", "chain", "number"])
    return _message(webhook, kind, entries) if entries or kind == RESET else None


def _message(webhook: Any, kind: str, entries: list[dict[str, Any]], **more: Any) -> Any:
    body = {
        "type": kind,
        "timestamp": timezone.now(),
        "namespace": webhook.namespace.slug,
        "data": {"changes": entries, **more},
    }
    text = json.dumps(body, cls=DjangoJSONEncoder, separators=(",", ":"))
    return get_delivery_model().objects.create(
        webhook=webhook, body=text, changes=len(entries), due_at=timezone.now()
    )


def _keep(message: Any, answer: Answer) -> None:
    """Keep what became of a message; wait, give up, or switch the webhook off."""
    with transaction.atomic():
        webhook = get_webhook_model().objects.select_for_update().filter(pk=message.webhook_id).first()
        if webhook is None:
            return  # It was removed meanwhile, and its messages with it.
        message.attempts += 1
        message.status, message.error, message.seconds = answer.status, answer.error, answer.seconds
        _judge(webhook, message, answer)
        message.save(
            update_fields=["attempts", "status", "error", "seconds", "state", "due_at", "delivered_at"]
        )
        webhook.save(update_fields=["active", "disabled_because", "failures"])


def _judge(webhook: Any, message: Any, answer: Answer) -> None:
    now = timezone.now()
    if answer.arrived:
        message.state, message.delivered_at = DeliveryState.DELIVERED, now
        webhook.failures = 0
    elif answer.status == _GONE:
        message.state = DeliveryState.FAILED
        webhook.active, webhook.disabled_because = False, "The receiver answered 410 Gone."
    elif message.attempts <= len(WAITS):
        spread = random.uniform(1, 1.2)  # noqa: S311 - so that many do not come back at once
        message.due_at = now + timedelta(seconds=WAITS[message.attempts - 1] * spread)
    else:
        message.state = DeliveryState.FAILED
        webhook.failures += 1
        if webhook.failures >= FAILURES_MAX:
            webhook.active = False
            webhook.disabled_because = f"{webhook.failures} messages in a row could not be delivered."


def replay(message: Any) -> None:
    """Have a message sent again under its id, before anything newer; raises WebhookInactive."""
    with transaction.atomic():
        webhook = get_webhook_model().objects.select_for_update().get(pk=message.webhook_id)
        if not webhook.active:
            raise WebhookInactive('This webhook is switched off: PATCH it with {"active": true} first.')
        message.state, message.attempts, message.due_at = DeliveryState.PENDING, 0, timezone.now()
        message.save(update_fields=["state", "attempts", "due_at"])
