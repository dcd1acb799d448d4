"""Two versions of a row side by side."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from smartmodels.history import diff, first_values, timeline, version_at, version_before, version_of
from smartmodels.rest.histories import ChangeSerializer
from smartmodels.rest.moments import moment_of
from smartmodels.rest.rendering import changes_shown

__all__ = ["CompareMixin"]

_NUMBER_DIGITS = 19
_POINT = {
    "anyOf": [{"type": "string", "pattern": r"^[0-9]{1,19}$"}, {"type": "string", "format": "date-time"}]
}


class _VersionPointSerializer(serializers.Serializer[Any]):
    """A version that was compared."""

    version = serializers.IntegerField(source="history_id")
    at = serializers.DateTimeField(source="history_date")


class DiffSerializer(serializers.Serializer[Any]):
    """What differs between two versions of a row."""

    older = _VersionPointSerializer(allow_null=True, help_text="Null: the row was not there yet.")
    newer = _VersionPointSerializer()
    changes = ChangeSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        """Call the two as the parameters are called; ``from`` is no name in Python."""
        fields = super().get_fields()
        older, newer = fields.pop("older"), fields.pop("newer")
        older.source, newer.source = "older", "newer"
        return {"from": older, "to": newer, **fields}


class CompareMixin:
    """``GET /{id}/diff/?from=&to=``: what differs between two versions, told by number or by time."""

    def known_parameters(self: Any) -> frozenset[str]:
        if self.action == "diff":
            return frozenset({"from", "to"})
        return super().known_parameters()  # type: ignore[misc,no-any-return]

    @extend_schema(
        responses=DiffSerializer,
        parameters=[
            OpenApiParameter("from", _POINT, description="A version, or a time; the version before `to`."),
            OpenApiParameter("to", _POINT, description="A version, or a time; the newest version."),
        ],
    )
    @action(detail=True, life="all", filter_backends=(), pagination_class=None)
    def diff(self: Any, request: Any, pk: str) -> Response:
        """Compare two versions of a row, by default the newest with the one before.

        A time stands for the version in force then. Values look as they do in the row itself; of a row
        that was not there yet every value is null.
        """
        row, given = self.get_object(), request.query_params
        newer = _point(row, "to", given["to"]) if "to" in given else timeline(self.model, row.pk).first()
        if newer is None:
            raise NotFound("There was no such row then: `to` lies before its first version.")
        older = _point(row, "from", given["from"]) if "from" in given else version_before(newer)
        changes = first_values(newer) if older is None else diff(newer, older)
        answer = {"older": older, "newer": newer, "changes": changes_shown(self, changes)}
        return Response(DiffSerializer(answer).data)


def _point(row: Any, name: str, given: str) -> Any | None:
    """Return the version of the row that a parameter names, or None before the first; raise RowNotFound."""
    if given.isascii() and given.isdigit() and len(given) <= _NUMBER_DIGITS:
        return version_of(type(row), row.pk, given)
    return version_at(type(row), row.pk, moment_of(name, given))
