"""The record of a job, which people look at; the queue's own row is procrastinate's."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings as django_settings
from django.db import models
from django.db.models.functions import Now

from smartmodels.conf import settings

__all__ = ["AbstractJob", "JobState", "get_job_model"]


class JobState(models.TextChoices):
    """Where a job is: waiting, waiting for its namespace, being done, or how it ended."""

    QUEUED = "queued"
    PARKED = "parked"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing more happens to the job of its own accord."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class AbstractJob(models.Model):
    """A job: who wanted it, where, how far it is and how it ended.

    Its key is the queue's. State and times are written by triggers with the queue's row (jobs.sql), progress
    and outcome by the worker; arguments stay in the queue, where nobody is shown them. ``completed_at`` is
    written with what the job changed: a job that has one is never done again. ``deaths`` counts workers
    that died over it, ``failures`` the times it failed.
    """

    outlives_namespace = True

    id = models.BigIntegerField(primary_key=True, editable=False)
    name = models.CharField(max_length=128)
    queue = models.CharField(max_length=128)
    namespace = models.ForeignKey(
        django_settings.TENANT_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        db_index=False,
    )
    actor = models.TextField()
    user_id = models.UUIDField(null=True)
    operation_id = models.UUIDField()
    state = models.CharField(max_length=10, choices=JobState.choices)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    scheduled_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    deaths = models.IntegerField(default=0)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    message = models.TextField(blank=True, default="")
    result = models.JSONField(null=True)
    error_code = models.CharField(max_length=200, blank=True, default="")
    error = models.TextField(blank=True, default="")

    class Meta:
        abstract = True
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["state", "-id"], name="%(app_label)s_job_state"),
            models.Index(fields=["name", "-id"], name="%(app_label)s_job_name"),
            models.Index(fields=["namespace", "-id"], name="%(app_label)s_job_namespace"),
            models.Index(
                fields=["namespace"],
                condition=models.Q(state__in=("queued", "parked")),
                name="%(app_label)s_job_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.pk}"


def get_job_model() -> Any:
    """Return the concrete model of job records (``SMARTMODELS_JOB_MODEL``)."""
    return apps.get_model(settings().JOB_MODEL)
