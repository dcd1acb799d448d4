"""Who did what, operation by operation, and the way to undo one."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from smartmodels.history import (
    InOperation,
    Wanted,
    changes_of,
    list_operations,
    plan_revert_operation,
)
from smartmodels.rest.faults import InvalidParameter
from smartmodels.rest.histories import ActorSerializer, ChangeSerializer
from smartmodels.rest.moments import moment_of
from smartmodels.rest.pagination import BoundedPagination
from smartmodels.rest.rights import Rights
from smartmodels.rest.undoing import UndoneSerializer, UndoSerializer, undo
from smartmodels.rest.views import GenericApiViewSet

__all__ = ["OperationViewSet"]

_OFFSET_MAX = 10_000


class OperationActorSerializer(ActorSerializer):
    """Who acted in an operation."""

    user = serializers.UUIDField(source="user_id", allow_null=True)


class OperationSerializer(serializers.Serializer[Any]):
    """Everything that one request, job or command changed."""

    id = serializers.UUIDField()
    began = serializers.DateTimeField()
    ended = serializers.DateTimeField()
    actor = OperationActorSerializer(source="*")
    reason = serializers.CharField(allow_null=True)
    via = serializers.CharField(allow_null=True)
    actions = serializers.SerializerMethodField(help_text="create, update, soft_delete, revert, ...")
    rows = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many rows were changed, by model."
    )

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_actions(self, summary: Any) -> list[str]:
        """Return the kinds of change, in the order of the alphabet."""
        return sorted(summary.actions)


class RowChangeSerializer(serializers.Serializer[Any]):
    """What became of one row on balance."""

    model = serializers.CharField(source="model._meta.label_lower")
    key = serializers.CharField(source="pk")
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.CharField(help_text="created, updated, deleted, restored or purged.")
    changes = serializers.SerializerMethodField()

    @extend_schema_field(ChangeSerializer(many=True))
    def get_changes(self, row: Any) -> Any:
        """Return the changes of the fields that the endpoint of the row shows."""
        shown = self.context["rights"].shown(row.model)
        return ChangeSerializer([each for each in row.changes if each.field in shown], many=True).data


class _Page(BoundedPagination):
    """A page of something that is not counted: whether there is a next one is seen by reading one more."""

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe ``limit`` and ``offset``, which has an end."""
        limit, offset = super().get_schema_operation_parameters(view)
        return [limit, {**offset, "schema": {**offset["schema"], "maximum": _OFFSET_MAX}}]

    def get_offset(self, request: Any) -> int:
        offset = super().get_offset(request)
        if offset > _OFFSET_MAX:
            raise InvalidParameter(
                "offset", f"At most {_OFFSET_MAX}: narrow the list by user or time instead."
            )
        return offset

    def page(self, request: Any, read: Any) -> list[Any]:
        """Return the page of what ``read(limit, offset)`` gives."""
        self.request, self.limit, self.offset = request, self.get_limit(request), self.get_offset(request)
        found: list[Any] = read(limit=self.limit + 1, offset=self.offset)
        self.count = self.offset + len(found)
        return found[: self.limit]

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self.get_next_link(), "previous": self.get_previous_link()}
        return Response({**links, "results": data})

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        described = super().get_paginated_response_schema(schema)
        described["properties"].pop("count")
        return {**described, "required": ["next", "previous", "results"]}


def _parameter(name: str, about: str, kind: str) -> OpenApiParameter:
    schema = {"type": "string", "format": kind}
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=about)


_FILTERS = {
    "user": ("Only what this user did.", "uuid"),
    "since": ("Only from this time on.", "date-time"),
    "until": ("Only before this time.", "date-time"),
}


def _wanted(request: Any) -> Wanted:
    given = request.query_params
    since, until = (moment_of(name, given[name]) if name in given else None for name in ("since", "until"))
    try:
        user = uuid.UUID(given["user"]) if "user" in given else None
    except ValueError as error:
        raise InvalidParameter("user", "A UUID is needed.") from error
    return Wanted(user, since, until)


class OperationViewSet(GenericApiViewSet):
    """What was done in this namespace, newest first."""

    serializer_class = OperationSerializer
    pagination_class = _Page
    lookup_value_regex = r"[0-9a-fA-F-]{1,36}"

    def known_parameters(self) -> frozenset[str]:
        """Return what may stand in the query string."""
        known = super().known_parameters()
        if self.action == "retrieve":
            return known | BoundedPagination.parameters
        return known | set(_FILTERS) if self.action == "list" else known

    def key(self) -> uuid.UUID:
        """Return the id in the address; raise NotFound for what cannot be one."""
        try:
            return uuid.UUID(self.kwargs["pk"])
        except ValueError as error:
            raise NotFound("There is no such operation here.") from error

    @extend_schema(parameters=[_parameter(name, about, kind) for name, (about, kind) in _FILTERS.items()])
    def list(self, request: Any) -> Response:
        """List operations that changed rows of this namespace, newest first."""
        rights, paginator = Rights(request, "read"), _Page()
        page = paginator.page(request, partial(list_operations, _wanted(request), models=rights.models))
        return paginator.get_paginated_response(OperationSerializer(page, many=True).data)

    @extend_schema(
        operation_id="operations_changes_list",
        responses=RowChangeSerializer(many=True),
        parameters=[
            OpenApiParameter("limit", {"type": "integer", "minimum": 1}, description="Rows on a page."),
            OpenApiParameter(
                "offset",
                {"type": "integer", "minimum": 0, "maximum": _OFFSET_MAX},
                description="Rows to skip.",
            ),
        ],
    )
    def retrieve(self, request: Any, pk: str) -> Response:
        """List what an operation changed: every row with old and new values, parents first."""
        rights, paginator = Rights(request, "read"), _Page()
        found = changes_of(InOperation(self.key()), rights.models)
        if not found:
            raise NotFound("There is no such operation here.")
        page = paginator.page(request, lambda limit, offset: found[offset : offset + limit])
        context = {"rights": rights}
        return paginator.get_paginated_response(RowChangeSerializer(page, many=True, context=context).data)

    @extend_schema(request=UndoSerializer, responses={200: UndoneSerializer})
    @action(detail=True, methods=["post"])
    def revert(self, request: Any, pk: str) -> Response:
        """Undo everything the operation changed, as an operation of its own; with `dry_run`, only look."""
        return undo(self, partial(plan_revert_operation, self.key()))
