"""What is remembered of writes over HTTP: answers under an idempotency key, and how far an import came.

Both name the schema that was written: when a backup takes its place, nothing is remembered of what it lost.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from django.utils import timezone

from smartmodels.conf import settings
from smartmodels.context import require_namespace

__all__ = [
    "AbstractImportChunk",
    "AbstractKeptAnswer",
    "forget_expired",
    "import_chunk_model",
    "kept_answer_model",
    "of_namespace",
]

IMPORT_DAYS = 30
"""Days for which it is known how far an import came."""


class _Remembered(models.Model):
    """A row of the public schema that belongs to one namespace, and to one account or key in it."""

    namespace = models.ForeignKey(
        settings().NAMESPACE_MODEL, on_delete=models.CASCADE, related_name="+", editable=False
    )
    schema_name = models.CharField(max_length=63, editable=False)
    principal = models.CharField(max_length=300, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    class Meta:
        abstract = True


class AbstractKeptAnswer(_Remembered):
    """What a request with an ``Idempotency-Key`` was answered; ``digest`` is that of the request."""

    key = models.CharField(max_length=255, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    status = models.PositiveSmallIntegerField(editable=False)
    headers = models.JSONField(default=dict, editable=False)
    body = models.BinaryField(editable=False)

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["namespace", "principal", "key"], name="%(app_label)s_one_answer_per_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.status} for {self.key}"


class AbstractImportChunk(_Remembered):
    """A committed part of an import; ``digest`` is that of its lines, ``report`` what became of them."""

    import_id = models.UUIDField(editable=False)
    path = models.CharField(max_length=200, editable=False)
    number = models.PositiveIntegerField(editable=False)
    lines = models.PositiveIntegerField(editable=False)
    digest = models.CharField(max_length=64, editable=False)
    report = models.JSONField(default=dict, editable=False)

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["namespace", "schema_name", "principal", "import_id", "path", "number"],
                name="%(app_label)s_one_chunk_per_number",
            )
        ]

    def __str__(self) -> str:
        return f"chunk {self.number} of {self.import_id}"


def kept_answer_model() -> Any:
    """Return the concrete model of kept answers (``SMARTMODELS_KEPT_ANSWER_MODEL``)."""
    return apps.get_model(settings().KEPT_ANSWER_MODEL)


def import_chunk_model() -> Any:
    """Return the concrete model of committed chunks (``SMARTMODELS_IMPORT_CHUNK_MODEL``)."""
    return apps.get_model(settings().IMPORT_CHUNK_MODEL)


def of_namespace(principal: str) -> dict[str, Any]:
    """Return what the rows of ``principal`` in the bound namespace, as it is served now, have in common."""
    namespace: Any = require_namespace()
    return {"namespace_id": namespace.pk, "schema_name": namespace.schema_name, "principal": principal}


def forget_expired() -> int:
    """Remove answers older than ``SMARTMODELS_IDEMPOTENCY_HOURS``, and old imports; return how many."""
    now = timezone.now()
    limits = {
        kept_answer_model(): timedelta(hours=settings().IDEMPOTENCY_HOURS),
        import_chunk_model(): timedelta(days=IMPORT_DAYS),
    }
    return sum(
        int(model.objects.filter(created_at__lt=now - limit).delete()[0]) for model, limit in limits.items()
    )
