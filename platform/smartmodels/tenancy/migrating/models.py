"""Abstract tables of the fleet's migrations: what each schema has, and who migrated what when."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from smartmodels.conf import settings
from smartmodels.tenancy.models import new_key

__all__ = [
    "AbstractMigrationOutcome",
    "AbstractMigrationRun",
    "AbstractSchemaState",
    "Way",
    "get_migration_outcome_model",
    "get_migration_run_model",
    "get_schema_state_model",
]


class AbstractSchemaState(models.Model):
    """The migrations that one schema has, kept by a trigger on its django_migrations in one transaction."""

    schema_name = models.CharField(max_length=63, primary_key=True)
    applied = ArrayField(models.TextField(), help_text="app.name, sorted")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of them: equal where they are equal")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.schema_name


class Way(models.TextChoices):
    """How a migration reached a schema."""

    RECORDED = "recorded", "through Django, its statements recorded"
    REPLAYED = "replayed", "the recorded statements in one message"
    OWN = "own", "through Django, for this schema"


class AbstractMigrationRun(models.Model):
    """One run of the fleet's migrations: who, when, which namespaces, what came of it."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    actor_kind = models.CharField(max_length=20)
    actor_label = models.CharField(max_length=254)
    operation_id = models.UUIDField()
    options = models.JSONField(default=dict)
    namespaces = ArrayField(models.TextField(), help_text="Slugs of those that were behind.")
    migrated = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    untried = models.PositiveIntegerField(default=0, help_text="Left out after a wave with a failure.")

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["-id"]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M:%S} {self.actor_label}"


class AbstractMigrationOutcome(models.Model):
    """One migration in one schema: written with it, in one transaction, or after its failure.

    The concrete model adds ``run``, a key to the run with the related name ``outcomes``.
    """

    slug = models.CharField(max_length=31)
    schema_name = models.CharField(max_length=63)
    migration = models.CharField(max_length=255, blank=True, help_text="app.name")
    way = models.CharField(max_length=10, choices=Way.choices)
    seconds = models.FloatField()
    finished_at = models.DateTimeField(db_default=Now())
    error_code = models.CharField(max_length=40, blank=True, default="")
    error = models.TextField(blank=True, default="")

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["id"]

    def __str__(self) -> str:
        return f"{self.migration} in {self.slug}"


def get_schema_state_model() -> Any:
    """Return the concrete model of a schema's state (``SMARTMODELS_SCHEMA_STATE_MODEL``)."""
    return apps.get_model(settings().SCHEMA_STATE_MODEL)


def get_migration_run_model() -> Any:
    """Return the concrete model of a run (``SMARTMODELS_MIGRATION_RUN_MODEL``)."""
    return apps.get_model(settings().MIGRATION_RUN_MODEL)


def get_migration_outcome_model() -> Any:
    """Return the model that points at runs as ``outcomes``."""
    return get_migration_run_model()._meta.get_field("outcomes").related_model
