"""The registry of shared rows, the grants with their events, and the policies, in the public schema."""

from __future__ import annotations

from typing import Any, ClassVar

from smartmodels.history.capture import LedgerGuard
from smartmodels.sharing import (
    AbstractGrant,
    AbstractGrantEvent,
    AbstractSharedResource,
    AbstractSharingPolicy,
)

__all__ = ["Grant", "GrantEvent", "SharedResource", "SharingPolicy"]


class SharedResource(AbstractSharedResource):
    """A resource that is, or was, shared."""

    class Meta(AbstractSharedResource.Meta):
        pass


class Grant(AbstractGrant):
    """Consent that a shared resource is visible in another namespace."""

    class Meta(AbstractGrant.Meta):
        pass


class GrantEvent(AbstractGrantEvent):
    """What happened to a grant; events are neither changed nor removed."""

    class Meta(AbstractGrantEvent.Meta):
        constraints: ClassVar[list[Any]] = [LedgerGuard(name="grant_event")]


class SharingPolicy(AbstractSharingPolicy):
    """What a namespace lets out, and what it takes in."""

    class Meta(AbstractSharingPolicy.Meta):
        verbose_name_plural = "sharing policies"
