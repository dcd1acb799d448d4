"""Every list is bounded (DESIGN A1)."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response

from smartmodels.conf import settings

__all__ = ["BoundedPagination"]

_OFFSET_MAX = 2**31


class BoundedPagination(LimitOffsetPagination):
    """``?limit=&offset=``: a limit above the cap is clamped, anything that is no number is a 400."""

    def get_limit(self, request: Any) -> int:
        default = settings().PAGE_SIZE
        given = request.query_params.get("limit")
        return default if given is None else min(self._number("limit", given, 1), settings().PAGE_SIZE_MAX)

    def get_offset(self, request: Any) -> int:
        given = request.query_params.get("offset")
        return 0 if given is None else min(self._number("offset", given, 0), _OFFSET_MAX)

    @staticmethod
    def _number(name: str, given: str, least: int) -> int:
        if not (given.isascii() and given.isdigit() and int(given[:12]) >= least):
            raise ValidationError(
                {name: f"A whole number from {least} on is needed."}, code="invalid-parameter"
            )
        return int(given[:12])

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {"count": self.count, "next": self.get_next_link(), "previous": self.get_previous_link(),
             "results": data}
        )  # fmt: skip
