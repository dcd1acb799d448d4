"""Resource: a smart model whose rows may be visible in several namespaces."""

from __future__ import annotations

from smartmodels.models.smart import SmartModel
from smartmodels.sharing import ResourceNamespaces

__all__ = ["Resource"]


class Resource(SmartModel):
    """A smart model that can be shared with other namespaces, by consent (DESIGN S1)."""

    class Meta(SmartModel.Meta):
        abstract = True

    @property
    def namespaces(self) -> ResourceNamespaces:
        """Return the namespaces in which the row is visible: ``row.namespaces.add(other)`` shares it."""
        return ResourceNamespaces(self)
