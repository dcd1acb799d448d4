"""The versions of a row: who changed what, when and why."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from smartmodels.history import diff, timeline, version_before, version_of
from smartmodels.rest.fields import as_told_of
from smartmodels.rest.pagination import BoundedPagination, VersionPagination
from smartmodels.rest.rendering import changes_shown

__all__ = ["ActorSerializer", "ChangeSerializer", "HistoryMixin"]


class ActorSerializer(serializers.Serializer[Any]):
    """Who acted; `label` stays readable after the account is gone."""

    kind = serializers.CharField(source="actor_kind", allow_null=True)
    label = serializers.CharField(  # type: ignore[assignment]
        source="actor_label", allow_null=True
    )
    user = serializers.UUIDField(source="history_user_id", allow_null=True)


class ChangeSerializer(serializers.Serializer[Any]):
    """One field that differs between two versions."""

    field = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    old = serializers.JSONField()
    new = serializers.JSONField()


class VersionSerializer(serializers.Serializer[Any]):
    """One version of a row."""

    version = serializers.IntegerField(source="history_id")
    at = serializers.DateTimeField(source="history_date")
    action = serializers.CharField(help_text="create, update, soft_delete, restore, revert, purge, ...")
    actor = ActorSerializer(source="*")
    reason = serializers.CharField(source="history_change_reason", allow_null=True)
    operation = serializers.UUIDField(
        source="operation_id", allow_null=True, help_text="Everything one request changed has one operation."
    )
    via = serializers.CharField(
        source="via_namespace",
        allow_null=True,
        help_text="The namespace it was changed through, if not its own.",
    )
    via_grant = serializers.UUIDField(
        allow_null=True, help_text="The grant it was changed by, if it was changed through another namespace."
    )
    reverted_from = serializers.IntegerField(allow_null=True, help_text="The version a revert went back to.")
    changed = serializers.SerializerMethodField(help_text="The fields that differ from the version before.")

    def to_representation(self, version: Any) -> Any:
        """Return the version; who made it, why and by which grant only where that is told."""
        shown = super().to_representation(version)
        if not self.context["tells_who"](version):
            actor = {"kind": shown["actor"]["kind"], "label": None, "user": None}
            shown.update(actor=actor, reason=None, via=None, via_grant=None)
        return shown

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_changed(self, version: Any) -> list[str]:
        """Return the names of the fields that this version changed."""
        return [change.field for change in self.context["changes"][version.pk]]


class VersionDetailSerializer(VersionSerializer):
    """One version of a row with its values, and what it changed."""

    previous = serializers.SerializerMethodField(help_text="The version before, if there is one.")
    changes = serializers.SerializerMethodField()
    values = serializers.SerializerMethodField(help_text="The row as it was.")

    @extend_schema_field({"type": ["integer", "null"]})
    def get_previous(self, version: Any) -> int | None:
        """Return the number of the version before."""
        previous = self.context["previous"]
        return None if previous is None else int(previous.history_id)

    @extend_schema_field(ChangeSerializer(many=True))
    def get_changes(self, version: Any) -> Any:
        """Return old and new value of each field that changed."""
        return ChangeSerializer(self.context["changes"][version.pk], many=True).data

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_values(self, version: Any) -> Any:
        """Return the values of the fields this API shows."""
        return self.context["values"]


class HistoryMixin:
    """``GET /{id}/history/`` and ``GET /{id}/history/{version}/``, of deleted rows, too."""

    def known_parameters(self: Any) -> frozenset[str]:
        if self.action == "history":
            return BoundedPagination.parameters
        return super().known_parameters()  # type: ignore[misc,no-any-return]

    @extend_schema(responses=VersionSerializer(many=True))
    @action(detail=True, life="all", pagination_class=VersionPagination, filter_backends=())
    def history(self: Any, request: Any, pk: str) -> Response:
        """List the versions of a row, newest first."""
        row = self.get_object()
        with self.at_home_of(row):
            pairs = self.paginate_queryset(self.versions_of(row))
            changes = {version.pk: changes_shown(self, changed) for version, changed in pairs}
            context = {"changes": changes, "tells_who": self.tells_who}
            versions = VersionSerializer([version for version, _ in pairs], many=True, context=context)
            page: Response = self.get_paginated_response(versions.data)
        return page

    def at_home_of(self: Any, row: Any) -> AbstractContextManager[Any]:
        """Return the context in which what belongs to a row is read: its home."""
        return nullcontext()

    def versions_of(self: Any, row: Any) -> Any:
        """Return the versions of a row that are shown here, newest first."""
        return timeline(self.model, row.pk)

    def tells_who(self: Any, version: Any) -> bool:
        """Tell whether it is shown here who made a version, why, and through which namespace."""
        del version
        return True

    @extend_schema(responses=VersionDetailSerializer)
    @action(detail=True, life="all", url_path=r"history/(?P<version>[0-9]{1,19})")
    def version(self: Any, request: Any, pk: str, version: str) -> Response:
        """Read one version of a row and what it changed."""
        row = self.get_object()
        with self.at_home_of(row):
            versions = self.versions_of(row)
            found = version_of(self.model, row.pk, version, among=versions)
            previous = version_before(found, among=versions)
            context = {
                "changes": {found.pk: changes_shown(self, diff(found, previous))},
                "previous": previous,
                "tells_who": self.tells_who,
                "values": self.get_serializer(as_told_of(row, found)).data,
            }
            return Response(VersionDetailSerializer(found, context=context).data)
