"""Resource: a smart model whose rows may be visible in several namespaces."""

from __future__ import annotations

from smartmodels.models.smart import SmartModel

__all__ = ["Resource"]


class Resource(SmartModel):
    """A smart model that can be shared with other namespaces, by consent (DESIGN S1)."""

    class Meta(SmartModel.Meta):
        abstract = True
