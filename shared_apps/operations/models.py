"""What is kept outside of the namespaces: anchors of their history, the audit, jobs, usage, answers."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from smartmodels.history.capture import LedgerGuard
from smartmodels.history.ledger import AbstractAnchor
from smartmodels.jobs import AbstractJob
from smartmodels.tenancy.audit import AbstractAuditEntry
from smartmodels.tenancy.remembering import AbstractImportChunk, AbstractKeptAnswer

__all__ = ["Anchor", "AuditEntry", "ImportChunk", "Job", "KeptAnswer", "UsageSample"]


class Anchor(AbstractAnchor):
    """How far the chain of a namespace's history reached at a moment."""

    class Meta(AbstractAnchor.Meta):
        pass


class Job(AbstractJob):
    """What was, is or will be done in the background."""

    class Meta(AbstractJob.Meta):
        pass


class UsageSample(models.Model):
    """How much a namespace held on a day: bytes on disk and rows (as PostgreSQL estimates them)."""

    outlives_namespace = True

    namespace_id = models.UUIDField(editable=False)
    slug = models.CharField(max_length=31, editable=False)
    day = models.DateField()
    bytes = models.BigIntegerField()
    rows = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["namespace_id", "day"], name="operations_one_usage_sample_per_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.slug} on {self.day}"


class AuditEntry(AbstractAuditEntry):
    """One thing that was done to a namespace, or refused; entries are neither changed nor removed."""

    class Meta(AbstractAuditEntry.Meta):
        constraints: ClassVar[list[Any]] = [LedgerGuard(name="audit")]


class KeptAnswer(AbstractKeptAnswer):
    """What a request with an idempotency key was answered."""

    class Meta(AbstractKeptAnswer.Meta):
        pass


class ImportChunk(AbstractImportChunk):
    """A part of an import that is committed."""

    class Meta(AbstractImportChunk.Meta):
        pass
