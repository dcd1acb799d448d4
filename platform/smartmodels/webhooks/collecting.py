"""Which webhooks have something to send, and what is kept of what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from smartmodels.conf import settings
from smartmodels.context import namespace_scope
from smartmodels.history import is_behind
from smartmodels.tenancy.models import State
from smartmodels.webhooks.models import DeliveryState, get_delivery_model, get_notice_model, get_webhook_model

__all__ = ["due_webhooks", "prune_deliveries"]


def due_webhooks() -> Iterator[Any]:
    """Yield the webhooks for which something is to be sent now, of namespaces that are served.

    Takes two queries, and one for each webhook without a message that waits.
    """
    pending = get_delivery_model().objects.filter(state=DeliveryState.PENDING).order_by("webhook_id", "id")
    due = dict(pending.distinct("webhook_id").values_list("webhook_id", "due_at"))
    webhooks = get_webhook_model().objects.select_related("namespace").order_by("namespace_id", "id")
    notices = get_notice_model().objects.filter(webhook_id=OuterRef("pk"))
    served = webhooks.filter(active=True, namespace__state=State.ACTIVE)
    now = timezone.now()
    for webhook in served.annotate(is_noticed=Exists(notices)):
        if webhook.pk in due:
            is_due = due[webhook.pk] <= now
        elif webhook.is_noticed:
            is_due = True
        else:
            with namespace_scope(webhook.namespace):
                is_due = is_behind(webhook.place)
        if is_due:
            yield webhook


def prune_deliveries() -> int:
    """Forget messages that are older than ``SMARTMODELS_WEBHOOK_KEEP_DAYS``; return how many.

    So are notices that nobody took meanwhile, such as those of webhooks that are switched off.
    """
    before = timezone.now() - timedelta(days=settings().WEBHOOK_KEEP_DAYS)
    over = get_delivery_model().objects.exclude(state=DeliveryState.PENDING).filter(created_at__lt=before)
    get_notice_model().objects.filter(created_at__lt=before).delete()
    return int(over.delete()[0])
