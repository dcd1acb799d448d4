"""Jobs over REST: all of them for staff on the public host, a namespace's own for its members."""

from __future__ import annotations

from typing import Any, ClassVar

from shared_apps.operations.models import Job
from shared_apps.operations.serializers import JobSerializer
from smartmodels.jobs import JobState, JobUnknown, cancel, retry
from smartmodels.rest import (
    EventRenderer,
    GenericApiViewSet,
    InvalidParameter,
    JSONRenderer,
    MembershipPermission,
    OpenApiParameter,
    Response,
    StaffPermission,
    action,
    event_stream,
    extend_schema,
)
from smartmodels.rest.shapes import BLANK_OR_TEXT
from smartmodels.tenancy.models import Role

__all__ = ["JobViewSet", "NamespaceJobViewSet"]

_ID_MAX = 2**63 - 1
_TEXT = {"type": "string", "pattern": BLANK_OR_TEXT}
_NAMESPACE = OpenApiParameter("namespace", _TEXT, OpenApiParameter.QUERY, description="Slug of a namespace.")
_FILTERS = (
    OpenApiParameter("state", str, OpenApiParameter.QUERY, enum=JobState.values),
    OpenApiParameter("name", _TEXT, OpenApiParameter.QUERY, description="What the job is called."),
)


class _Jobs(GenericApiViewSet):
    """What both hosts have in common."""

    serializer_class = JobSerializer
    lookup_value_regex = "[0-9]{1,19}"
    filters: ClassVar[tuple[Any, ...]] = _FILTERS

    def get_queryset(self) -> Any:
        """Return the jobs that the caller may see, newest first."""
        return Job.objects.select_related("namespace").order_by("-pk")

    def known_parameters(self) -> frozenset[str]:
        """Add the filters to what may stand in the query string of the list."""
        names = {each.name for each in self.filters} if self.action == "list" else set()
        return super().known_parameters() | names

    def _job(self) -> Job:
        number = int(self.kwargs["pk"])
        found: Job | None = self.get_queryset().filter(pk=number).first() if number <= _ID_MAX else None
        if found is None:
            raise JobUnknown("There is no such job here.")
        return found

    def _listed(self, request: Any) -> Response:
        rows, given = self.get_queryset(), request.query_params
        if "state" in given:
            if given["state"] not in JobState.values:
                raise InvalidParameter("state", f"One of {', '.join(JobState.values)}.")
            rows = rows.filter(state=given["state"])
        if "name" in given:
            rows = rows.filter(name=given["name"])
        if "namespace" in given:
            rows = rows.filter(namespace__slug=given["namespace"])
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        """Read one job: how far it is, or how it ended."""
        return Response(self.get_serializer(self._job()).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Any, pk: str) -> Response:
        """Take a job out of the queue; one that is running stops at its next step."""
        return self._changed(cancel(self._job()))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def retry(self, request: Any, pk: str) -> Response:
        """Queue a job again that failed or was cancelled."""
        return self._changed(retry(self._job()))

    @extend_schema(responses={(200, "text/event-stream"): str})
    @action(detail=True, methods=["get"], renderer_classes=(EventRenderer, JSONRenderer))
    def events(self, request: Any, pk: str) -> Any:
        """Follow a job: an event `progress` whenever something changes, `end` with how it ended.

        The stream ends after a while, with a hint to open it again; `503` means that enough are open.
        """
        serializer, rows, found = self.get_serializer(), self.get_queryset(), self._job()

        def look() -> tuple[Any, bool]:
            """Return the job as it is now, and whether that is how it stays."""
            seen = rows.filter(pk=found.pk).first() or found
            return serializer.to_representation(seen), JobState(seen.state).is_final

        return event_stream(look)

    def _changed(self, job: Job) -> Response:
        return Response(self.get_serializer(job).data)


class JobViewSet(_Jobs):
    """Jobs of all namespaces and of the platform itself: staff, on the public host."""

    permission_classes = (StaffPermission,)
    filters = (*_FILTERS, _NAMESPACE)

    @extend_schema(parameters=[*_FILTERS, _NAMESPACE])
    def list(self, request: Any) -> Response:
        """List jobs, newest first."""
        return self._listed(request)


class NamespaceJobViewSet(_Jobs):
    """Jobs of this namespace: those that the caller wanted, and for admins and owners all of them."""

    permission_classes = (MembershipPermission,)

    def get_queryset(self) -> Any:
        """Return this namespace's jobs; of other people's, only whoever manages it knows."""
        request: Any = self.request._request
        jobs = Job.objects.filter(namespace_id=request.namespace.pk).order_by("-pk")
        return jobs if Role(request.membership.role).manages else jobs.filter(user_id=request.user.pk)

    def get_serializer_context(self) -> dict[str, Any]:
        """Say which namespace this is, so that nobody needs to look."""
        request: Any = self.request._request
        return {**super().get_serializer_context(), "namespace": request.namespace}

    @extend_schema(parameters=list(_FILTERS))
    def list(self, request: Any) -> Response:
        """List jobs, newest first."""
        return self._listed(request)
