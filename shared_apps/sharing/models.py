"""The registry of shared rows and the grants, in the public schema."""

from __future__ import annotations

from smartmodels.sharing import AbstractGrant, AbstractSharedResource

__all__ = ["Grant", "SharedResource"]


class SharedResource(AbstractSharedResource):
    """A resource that is, or was, shared."""

    class Meta(AbstractSharedResource.Meta):
        pass


class Grant(AbstractGrant):
    """Consent that a shared resource is visible in another namespace."""

    class Meta(AbstractGrant.Meta):
        pass
