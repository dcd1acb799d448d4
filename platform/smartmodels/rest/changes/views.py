"""``/api/v1/changes/``: everything that changes in a namespace, in order, by page or as a stream."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from smartmodels.context import require_namespace
from smartmodels.history import Place, newest_place
from smartmodels.rest.changes.cursors import BEGINNING, cursor_of, place_of
from smartmodels.rest.changes.describing import ChangesSerializer
from smartmodels.rest.changes.exposing import CallerExposure
from smartmodels.rest.changes.following import Following
from smartmodels.rest.changes.reading import read_changes
from smartmodels.rest.encoding import JSONRenderer
from smartmodels.rest.faults import InvalidHeader, InvalidParameter
from smartmodels.rest.pagination import BoundedPagination
from smartmodels.rest.streaming import EventRenderer, stream
from smartmodels.rest.views import GenericApiViewSet

__all__ = ["ChangeViewSet"]

NOW = "now"
_NOT_OURS = "This is no cursor of this namespace: take the one that the last answer ended with, or `now`."
_PARAMETERS = [
    OpenApiParameter(
        "since",
        {"type": "string", "pattern": "^now$|^[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$", "maxLength": 300},
        OpenApiParameter.QUERY,
        description="The `cursor` of the last answer, or `now`; without it, from the beginning.",
    ),
    OpenApiParameter(
        "limit", {"type": "integer", "minimum": 1}, OpenApiParameter.QUERY, description="Changes on a page."
    ),
    OpenApiParameter(
        "Last-Event-ID",
        {"type": "string", "pattern": "^$|^[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$", "maxLength": 300},
        OpenApiParameter.HEADER,
        description="The id of the last event that arrived; browsers send it when they open a stream again.",
    ),
]


class ChangeViewSet(GenericApiViewSet):
    """Every change of the rows that the caller may see, each once, in an order that never changes."""

    renderer_classes = (JSONRenderer, EventRenderer)
    pagination_class = None
    parameters = frozenset({"since", "limit"})
    further_statuses = ("410", "503")

    def known_parameters(self) -> frozenset[str]:
        """Return what may stand in the query string."""
        return self.parameters

    @extend_schema(
        operation_id="changes_list",
        parameters=_PARAMETERS,
        responses={(200, "application/json"): ChangesSerializer, (200, "text/event-stream"): str},
    )
    def list(self, request: Any) -> Any:
        """Read what changed since a cursor, oldest first; with `Accept: text/event-stream`, follow it.

        A change stands in it once its transaction is committed, behind all that was there before: who
        keeps the `cursor` of the last answer misses nothing. `410` says that the namespace was restored
        to another history: read everything anew.
        """
        limit, place = BoundedPagination().get_limit(request), self._place(request)
        exposure = CallerExposure(request)
        if request.accepted_media_type == EventRenderer.media_type:
            return stream(Following(request._request, exposure, place, limit))
        page = read_changes(place, exposure, limit)
        cursor = cursor_of(page.place, require_namespace())
        return Response(
            {"results": [entry for _, entry in page.entries], "cursor": cursor, "more": page.more}
        )

    @staticmethod
    def _place(request: Any) -> Place:
        """Return the place to read on from; a browser that comes back says it in a header."""
        again, since = request.headers.get("Last-Event-ID"), request.query_params.get("since")
        if since == NOW and not again:
            return newest_place()
        if not again and since is None:
            return BEGINNING
        place = place_of(again or since, require_namespace())
        if place is None and again:
            raise InvalidHeader("Last-Event-ID", _NOT_OURS, code="invalid-cursor")
        if place is None:
            raise InvalidParameter("since", _NOT_OURS, code="invalid-cursor")
        return place
