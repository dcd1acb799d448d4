"""What is kept outside of the namespaces: about their history, and about what was done to them."""

from __future__ import annotations

from typing import Any, ClassVar

from smartmodels.history.capture import LedgerGuard
from smartmodels.history.ledger import AbstractAnchor
from smartmodels.tenancy.audit import AbstractAuditEntry

__all__ = ["Anchor", "AuditEntry"]


class Anchor(AbstractAnchor):
    """How far the chain of a namespace's history reached at a moment."""

    class Meta(AbstractAnchor.Meta):
        pass


class AuditEntry(AbstractAuditEntry):
    """One thing that was done to a namespace, or refused; entries are neither changed nor removed."""

    class Meta(AbstractAuditEntry.Meta):
        constraints: ClassVar[list[Any]] = [LedgerGuard(name="audit")]
