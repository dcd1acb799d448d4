"""Jobs as JSON."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from shared_apps.operations.models import Job
from smartmodels.rest import extend_schema_field, serializers

__all__ = ["JobSerializer"]


class JobProgressSerializer(serializers.Serializer[Any]):
    """How far a job is, as it says itself."""

    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True, help_text="Null while the job does not know.")
    message = serializers.CharField()


class JobErrorSerializer(serializers.Serializer[Any]):
    """Why a job failed, or failed the last time."""

    code = serializers.CharField()
    message = serializers.CharField()


class JobSerializer(serializers.ModelSerializer[Job]):
    """Something that was, is or will be done in the background."""

    namespace = serializers.SerializerMethodField(help_text="Slug; null for work of the platform itself.")
    progress = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField(help_text="Where to read the job.")
    events = serializers.SerializerMethodField(help_text="Where to follow it, as server-sent events.")

    class Meta:
        model = Job
        fields: tuple[str, ...] = (
            "id",
            "name",
            "namespace",
            "actor",
            "state",
            "progress",
            "result",
            "error",
            "failures",
            "deaths",
            "operation_id",
            "created_at",
            "scheduled_at",
            "started_at",
            "finished_at",
            "url",
            "events",
        )
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"]})
    def get_namespace(self, job: Job) -> str | None:
        """Return the slug of the namespace, unless it is gone."""
        if job.namespace_id is None:
            return None
        namespace = self.context.get("namespace") or job.namespace
        return None if namespace is None else str(namespace.slug)

    @extend_schema_field(JobProgressSerializer)
    def get_progress(self, job: Job) -> dict[str, Any]:
        """Return how far the job is."""
        return {"done": job.done, "total": job.total, "message": job.message}

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str] | None:
        """Return what went wrong, if anything did."""
        return {"code": job.error_code, "message": job.error} if job.error_code else None

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, job: Job) -> str:
        """Return the job's address."""
        return self._address("jobs-detail", job)

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_events(self, job: Job) -> str:
        """Return the address of its events."""
        return self._address("jobs-events", job)

    def _address(self, name: str, job: Job) -> str:
        request: Any = self.context["request"]
        return str(request.build_absolute_uri(reverse(name, args=[job.pk])))
