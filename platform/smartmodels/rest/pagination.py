"""Every list is bounded (DESIGN A1)."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response

from smartmodels.conf import settings
from smartmodels.history import with_changes
from smartmodels.rest.faults import InvalidParameter

__all__ = ["BoundedPagination", "VersionPagination"]

_OFFSET_MAX = 2**31 - 1


class BoundedPagination(LimitOffsetPagination):
    """``?limit=&offset=``: a limit above the cap is clamped, anything that is no number is a 400."""

    parameters = frozenset({"limit", "offset"})

    def get_limit(self, request: Any) -> int:
        asked = self.asked_limit(request)
        return settings().PAGE_SIZE if asked is None else min(asked, settings().PAGE_SIZE_MAX)

    def asked_limit(self, request: Any) -> int | None:
        """Return the limit as it was given, None if it was not; raise InvalidParameter."""
        given = request.query_params.get("limit")
        return None if given is None else self._number("limit", given, 1)

    def get_offset(self, request: Any) -> int:
        given = request.query_params.get("offset")
        return 0 if given is None else min(self._number("offset", given, 0), _OFFSET_MAX)

    @staticmethod
    def _number(name: str, given: str, least: int) -> int:
        if not (given.isascii() and given.isdigit() and int(given[:12]) >= least):
            raise InvalidParameter(name, f"A whole number from {least} on is needed.")
        return int(given[:12])

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {"count": self.count, "next": self.get_next_link(), "previous": self.get_previous_link(),
             "results": data}
        )  # fmt: skip

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """Describe a page."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": {"type": "integer", "minimum": 0, "description": "Rows on all pages together."},
                "next": link,
                "previous": link,
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe ``limit`` and ``offset``."""
        size, most = settings().PAGE_SIZE, settings().PAGE_SIZE_MAX
        return [
            {"name": "limit", "in": "query", "required": False,
             "description": f"Rows on a page; above {most} the page holds {most}.",
             "schema": {"type": "integer", "minimum": 1, "default": size}},
            {"name": "offset", "in": "query", "required": False, "description": "Rows to skip.",
             "schema": {"type": "integer", "minimum": 0, "default": 0}},
        ]  # fmt: skip


class VersionPagination(BoundedPagination):
    """Pages of (version, what it changed); one older version is read along to compare the last one with."""

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any]:
        self.request = request
        self.limit, self.offset = self.get_limit(request), self.get_offset(request)
        self.count = self.get_count(queryset)
        versions = list(queryset[self.offset : self.offset + self.limit + 1])
        return with_changes(versions)[: self.limit]
