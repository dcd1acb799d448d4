"""What is migrated where, and by which runs: staff, on the public host."""

from __future__ import annotations

from typing import Any

from shared_apps.namespaces.models import MigrationOutcome, MigrationRun
from smartmodels.exceptions import NamespaceNotFound, RunUnknown
from smartmodels.rest import (
    Fault,
    GenericApiViewSet,
    Problem,
    Refused,
    Response,
    StaffPermission,
    StrictSerializer,
    action,
    extend_schema,
    serializers,
)
from smartmodels.tenancy.migrating.options import MigrationOptions
from smartmodels.tenancy.migrating.running import migrate_fleet
from smartmodels.tenancy.migrating.runs import find_run
from smartmodels.tenancy.migrating.status import fleet_status
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["MigrationRunViewSet", "MigrationStatusMixin"]

MOST_AT_ONCE = 50


class OutcomeSerializer(serializers.ModelSerializer[MigrationOutcome]):
    """What came of one migration in one namespace."""

    class Meta:
        model = MigrationOutcome
        fields = ("slug", "schema_name", "migration", "way", "seconds", "finished_at", "error_code", "error")
        read_only_fields = fields


class RunSerializer(serializers.ModelSerializer[MigrationRun]):
    """A run: who, when, which namespaces, how many were migrated."""

    class Meta:
        model = MigrationRun
        fields: tuple[str, ...] = (
            "id", "started_at", "finished_at", "actor_kind", "actor_label", "operation_id", "options",
            "namespaces", "migrated", "failed", "untried",
        )  # fmt: skip
        read_only_fields = fields


class RunWithOutcomesSerializer(RunSerializer):
    """A run with what came of each namespace."""

    outcomes = OutcomeSerializer(many=True, read_only=True)

    class Meta(RunSerializer.Meta):
        fields = (*RunSerializer.Meta.fields, "outcomes")
        read_only_fields = fields


class NewRunSerializer(StrictSerializer):
    """Which namespaces to migrate."""

    namespaces = serializers.ListField(
        child=serializers.CharField(max_length=31), allow_empty=False, max_length=MOST_AT_ONCE,
        help_text="Slugs.",
    )  # fmt: skip


class ReportSerializer(serializers.Serializer[Any]):
    """What came of it; ``run`` is null when nothing was to be done."""

    run = serializers.UUIDField(allow_null=True)
    seconds = serializers.FloatField()
    current = serializers.ListField(child=serializers.CharField())
    migrated = serializers.ListField(child=serializers.CharField())
    failed = serializers.ListField(child=serializers.CharField())
    untried = serializers.ListField(child=serializers.CharField())
    namespaces = serializers.ListField(child=serializers.DictField())


class AppStatusSerializer(serializers.Serializer[Any]):
    """The newest migration of an app, and how many are lacking."""

    latest = serializers.CharField(allow_null=True)
    behind = serializers.IntegerField()


class StatusSerializer(serializers.Serializer[Any]):
    """What one namespace has and lacks."""

    slug = serializers.CharField()
    schema = serializers.CharField()
    state = serializers.CharField()
    behind = serializers.IntegerField()
    apps = serializers.DictField(child=AppStatusSerializer())
    noted = serializers.BooleanField()


class MigrationStatusMixin:
    """The matrix of namespaces and apps."""

    @extend_schema(responses=StatusSerializer(many=True))
    @action(detail=False, methods=["get"], url_path="migration-status", pagination_class=None)
    def migration_status(self, request: Any) -> Response:
        """Which migrations each namespace has and lacks, by app."""
        return Response([row.as_json() for row in fleet_status()])


class MigrationRunViewSet(GenericApiViewSet):
    """Runs of migrations over the fleet, newest first."""

    permission_classes = (StaffPermission,)
    serializer_class = RunSerializer
    queryset = MigrationRun.objects.order_by("-id")

    def list(self, request: Any) -> Response:
        """List runs."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(responses=RunWithOutcomesSerializer)
    def retrieve(self, request: Any, pk: str) -> Response:
        """Read one run with what came of each namespace."""
        try:
            run = find_run(pk)
        except RunUnknown as error:
            raise Refused(Problem(404, error.code, "There is no such run.")) from error
        return Response(RunWithOutcomesSerializer(run).data)

    @extend_schema(request=NewRunSerializer, responses={200: ReportSerializer})
    def create(self, request: Any) -> Response:
        """Bring some namespaces up to date, while the request waits; what failed is in the answer."""
        asked = NewRunSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            chosen = [find_namespace(slug) for slug in dict.fromkeys(asked.validated_data["namespaces"])]
        except NamespaceNotFound as error:
            fault = Fault(error.code, error.message, pointer="/namespaces")
            raise Refused(Problem(400, error.code, error.message, (fault,))) from error
        # In the request's own thread and on its connection: it may be the only one that it has.
        report = migrate_fleet(chosen, options=MigrationOptions(jobs=1))
        return Response(report.as_json())
