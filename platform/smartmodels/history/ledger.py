"""What history says about itself, in tables of each namespace: segments, layouts, erasures and marks.

These are abstract; the app that ``SMARTMODELS_LEDGER_APP`` names holds the concrete ones. The trigger
functions write to them by table name, so the tables are called after them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from django.db.models.functions import Now

from smartmodels.conf import settings
from smartmodels.history.capture import LedgerGuard
from smartmodels.querysets import ScopedQuerySet

__all__ = [
    "AbstractAnchor",
    "AbstractErasure",
    "AbstractLayout",
    "AbstractMark",
    "AbstractSegment",
    "anchor_model",
    "ledger_model",
]


def ledger_model(name: str) -> Any:
    """Return a model of the ledger's app: ``Segment``, ``Layout``, ``Erasure`` or ``Mark``."""
    return apps.get_model(settings().LEDGER_APP, name)


def anchor_model() -> Any:
    """Return the concrete model of anchors (``SMARTMODELS_ANCHOR_MODEL``)."""
    return apps.get_model(settings().ANCHOR_MODEL)


class AbstractLayout(models.Model):
    """Which columns, in which order, the digests of a segment cover: ``{history table: [column]}``.

    A migration that changes the columns of a model makes a new layout; segments keep their own.
    ``types`` is how the columns' types were called then: ``{history table: {column: type}}``.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    tables = models.JSONField(editable=False)
    types = models.JSONField(editable=False)

    objects: ClassVar[Any] = models.Manager.from_queryset(ScopedQuerySet)()

    class Meta:
        abstract = True
        db_table = "ledger_layout"
        constraints: ClassVar = [LedgerGuard(name="ledger_layout")]


_SAID = ("id", "kind", "history_table", "layout_id", "rows", "digest", "leaves", "written_at", "operation_id")


class AbstractSegment(models.Model):
    """What one statement wrote to history, vouched for by a digest.

    ``digest`` is SHA-256 over the digests of its versions, each over the columns of the layout as text;
    where there are several, ``leaves`` holds the first 8 bytes of each, by which the wrong one is found.
    ``kind`` is ``write``, ``erase`` or ``prune``. Segments are chained some time after they were
    written: ``position`` counts from 1, ``chain`` is SHA-256 over the chain before and what the segment
    says, its digest included.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=8, editable=False)
    history_table = models.CharField(max_length=63, editable=False)
    layout_id = models.UUIDField(null=True, editable=False)
    rows = models.PositiveIntegerField(editable=False)
    digest = models.BinaryField(editable=False)
    leaves = models.BinaryField(null=True, editable=False)
    written_at = models.DateTimeField(editable=False)
    operation_id = models.UUIDField(null=True, editable=False)
    position = models.BigIntegerField(null=True, editable=False)
    chain = models.BinaryField(null=True, editable=False)

    objects: ClassVar[Any] = models.Manager.from_queryset(ScopedQuerySet)()

    class Meta:
        abstract = True
        db_table = "ledger_segment"
        # A segment is in one of the two: what is written has no place in the chain yet.
        indexes: ClassVar = [
            models.Index(
                fields=["written_at"], condition=models.Q(position=None), name="ledger_segment_unlinked"
            )
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["position"], condition=~models.Q(position=None), name="ledger_segment_position"
            ),
            LedgerGuard(name="ledger_segment", fixed=_SAID, linkable=("position", "chain")),
        ]


class AbstractErasure(models.Model):
    """One version that was changed or removed by a transaction that said so, and its digests.

    ``segment_id`` is the segment of the erasure, ``written_in`` the one that the version was written in.
    """

    segment_id = models.UUIDField(db_index=True, editable=False)
    history_table = models.CharField(max_length=63, editable=False)
    number = models.BigIntegerField(editable=False)
    written_in = models.UUIDField(editable=False)
    digest_before = models.BinaryField(editable=False)
    digest_after = models.BinaryField(null=True, editable=False)

    objects: ClassVar[Any] = models.Manager.from_queryset(ScopedQuerySet)()

    class Meta:
        abstract = True
        db_table = "ledger_erasure"
        indexes: ClassVar = [models.Index(fields=["history_table", "number"], name="ledger_erasure_number")]
        constraints: ClassVar = [LedgerGuard(name="ledger_erasure")]


class AbstractAnchor(models.Model):
    """How far a namespace's chain reached at a moment, kept outside of its schema.

    Namespaces come and go; what was anchored stays, so this refers to them by value.
    """

    outlives_namespace = True

    namespace_id = models.UUIDField(editable=False)
    slug = models.CharField(max_length=31, editable=False)
    position = models.BigIntegerField(editable=False)
    chain = models.BinaryField(editable=False)
    made_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["namespace_id", "position"], name="%(app_label)s_one_anchor_per_position"
            ),
            LedgerGuard(name="anchors"),
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.position}"


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
