"""Events of grants as webhooks tell of them: what happened to which row, no values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smartmodels.rest import FullExposure
from smartmodels.sharing import GrantStatus, get_event_model
from smartmodels.tenancy.models import get_namespace_model

__all__ = ["ACTIONS", "described"]

ACTIONS = {
    ("", GrantStatus.PENDING): "grant.offered",
    ("", GrantStatus.ACTIVE): "grant.given",
    (GrantStatus.PENDING, GrantStatus.ACTIVE): "grant.accepted",
    (GrantStatus.SUSPENDED, GrantStatus.ACTIVE): "grant.returned",
}
"""What a step is called, where the new status alone does not say it."""


def described(events: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the events in their order, as messages have them."""
    found = get_event_model().objects.in_bulk(list(events))
    homes = get_namespace_model().objects.in_bulk({event.home_id for event in found.values()})
    exposure = FullExposure()
    paths = {model._meta.label_lower: exposure.path(model) for model in exposure.models}
    return [_told(found[key], homes, paths) for key in events if key in found]


def _told(event: Any, homes: dict[Any, Any], paths: dict[str, str]) -> dict[str, Any]:
    home = homes.get(event.home_id)
    return {
        "event": event.pk,
        "at": event.at,
        "action": action_of(event),
        "grant": event.grant_id,
        "resource": paths.get(event.model),
        "resource_type": event.model,
        "id": event.row_id,
        "home": event.home_slug if home is None else home.slug,
        "home_state": None if home is None else home.state,
        "status": event.status,
        "role": event.terms.get("role"),
        "expires_at": event.terms.get("expires_at"),
    }


def action_of(event: Any) -> str:
    """Return what an event is called: ``grant.offered``, ``grant.revoked``, ``grant.changed``, ..."""
    if event.status_before == event.status:
        return "grant.changed"
    return ACTIONS.get((event.status_before, event.status), f"grant.{event.status}")
