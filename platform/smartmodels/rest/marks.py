"""Marks: moments of the namespace to come back to."""

from __future__ import annotations

from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from smartmodels.exceptions import MarkUnknown, NotPermitted
from smartmodels.history import all_marks, delete_mark, mark, plan_revert_mark
from smartmodels.rest.serializing import StrictSerializer
from smartmodels.rest.undoing import UndoneSerializer, UndoSerializer, undo
from smartmodels.rest.views import GenericApiViewSet
from smartmodels.tenancy.models import Role

__all__ = ["MarkViewSet"]

_ID_MAX = 2**63 - 1


class NewMarkSerializer(StrictSerializer):
    """A moment to be marked: now."""

    name = serializers.CharField(max_length=200, help_text="Unique in the namespace.")
    note = serializers.CharField(default="", allow_blank=True, max_length=2000)


class MarkSerializer(serializers.Serializer[Any]):
    """A moment that somebody marked."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    note = serializers.CharField()
    at = serializers.DateTimeField()
    created_by = serializers.UUIDField(source="created_by_id", allow_null=True)
    created_by_label = serializers.CharField()


class MarkViewSet(GenericApiViewSet):
    """Moments of this namespace to come back to."""

    serializer_class = MarkSerializer
    lookup_value_regex = "[0-9]{1,19}"

    def get_queryset(self) -> Any:
        """Return the marks of the namespace, newest first."""
        return all_marks()

    def _mark(self) -> Any:
        number = int(self.kwargs["pk"])
        found = self.get_queryset().filter(pk=number).first() if number <= _ID_MAX else None
        if found is None:
            raise MarkUnknown("There is no such mark here.")
        return found

    def list(self, request: Any) -> Response:
        """List marks, newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=NewMarkSerializer, responses={201: MarkSerializer})
    def create(self, request: Any) -> Response:
        """Mark this moment under a name."""
        given = NewMarkSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with self.writing():
            made = mark(given.validated_data["name"], given.validated_data["note"])
        return Response(self.get_serializer(made).data, status=201)

    def retrieve(self, request: Any, pk: str) -> Response:
        """Read one mark."""
        return Response(self.get_serializer(self._mark()).data)

    def destroy(self, request: Any, pk: str) -> Response:
        """Forget a mark; what it marked stays. For who made it, and for owners and admins."""
        found = self._mark()
        manages = Role(request._request.membership.role).manages
        if not manages and found.created_by_id != request.user.pk:
            raise NotPermitted(
                "Somebody else made this mark: they, or an admin of this namespace, delete it."
            )
        with self.writing():
            delete_mark(found.name)
        return Response(status=204)

    @extend_schema(request=UndoSerializer, responses={200: UndoneSerializer})
    @action(detail=True, methods=["post"])
    def revert(self, request: Any, pk: str) -> Response:
        """Undo everything that happened since the mark; with `dry_run`, only look."""
        return undo(self, partial(plan_revert_mark, self._mark()))
