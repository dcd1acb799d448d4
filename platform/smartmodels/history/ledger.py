"""What history says about itself, in tables of each namespace: segments, layouts, erasures and marks.

These are abstract; the app that ``SMARTMODELS_LEDGER_APP`` names holds the concrete ones. The trigger
functions write to them by table name, so the tables are called after them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.db import models

from smartmodels.conf import settings
from smartmodels.querysets import ScopedQuerySet

__all__ = ["AbstractErasure", "AbstractLayout", "AbstractMark", "AbstractSegment", "ledger_model"]


def ledger_model(name: str) -> Any:
    """Return a model of the ledger's app: ``Segment``, ``Layout``, ``Erasure`` or ``Mark``."""
    return apps.get_model(settings().LEDGER_APP, name)


class AbstractLayout(models.Model):
    """Which columns, in which order, the digests of a segment cover: ``{history table: columns}``.

    A migration that changes the columns of a model makes a new layout; segments keep their own.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    tables = models.JSONField(editable=False)

    objects: ClassVar[Any] = models.Manager.from_queryset(ScopedQuerySet)()

    class Meta:
        abstract = True
        db_table = "ledger_layout"


class AbstractSegment(models.Model):
    """What one statement wrote to history, vouched for by a digest.

    ``digest`` is SHA-256 over the digests of its versions, each over the columns of the layout as text.
    ``kind`` is ``write``, ``erase`` or ``prune``. Segments are chained some time after they were
    written: ``position`` counts from 1, ``chain`` is SHA-256 over the chain before and the digest.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=8, editable=False)
    history_table = models.CharField(max_length=63, editable=False)
    layout_id = models.UUIDField(null=True, editable=False)
    rows = models.PositiveIntegerField(editable=False)
    digest = models.BinaryField(editable=False)
    written_at = models.DateTimeField(editable=False)
    operation_id = models.UUIDField(null=True, editable=False)
    position = models.BigIntegerField(null=True, unique=True, editable=False)
    chain = models.BinaryField(null=True, editable=False)

    objects: ClassVar[Any] = models.Manager.from_queryset(ScopedQuerySet)()

    class Meta:
        abstract = True
        db_table = "ledger_segment"


class AbstractErasure(models.Model):
    """One version that was changed or removed by a transaction that said so, and its digests."""

    segment_id = models.UUIDField(db_index=True, editable=False)
    history_table = models.CharField(max_length=63, editable=False)
    number = models.BigIntegerField(editable=False)
    digest_before = models.BinaryField(editable=False)
    digest_after = models.BinaryField(null=True, editable=False)

    objects: ClassVar[Any] = models.Manager.from_queryset(ScopedQuerySet)()

    class Meta:
        abstract = True
        db_table = "ledger_erasure"
        indexes: ClassVar = [models.Index(fields=["history_table", "number"], name="ledger_erasure_number")]


class AbstractMark(models.Model):
    """A moment of a namespace that people want to be able to come back to, such as "before import"."""

    name = models.CharField(max_length=200, unique=True)
    at = models.DateTimeField(editable=False)
    note = models.TextField(blank=True, default="")
    created_by_id = models.UUIDField(null=True, editable=False)
    created_by_label = models.TextField(blank=True, default="", editable=False)

    objects: ClassVar[Any] = models.Manager.from_queryset(ScopedQuerySet)()

    class Meta:
        abstract = True
        db_table = "ledger_mark"
        ordering = ("-at",)

    def __str__(self) -> str:
        return self.name
