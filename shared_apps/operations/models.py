"""What is kept outside of the namespaces about their history."""

from __future__ import annotations

from smartmodels.history.ledger import AbstractAnchor

__all__ = ["Anchor"]


class Anchor(AbstractAnchor):
    """How far the chain of a namespace's history reached at a moment."""

    class Meta(AbstractAnchor.Meta):
        pass
