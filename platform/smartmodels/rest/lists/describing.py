"""How lists and rows describe themselves in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer

from smartmodels.rest.lists.counting import COUNTS
from smartmodels.rest.pagination import BoundedPagination
from smartmodels.rest.schema import ApiSchema

__all__ = ["ListPagination", "RowSchema"]

_TAGS = r'^(\*|"[!#-~]*")$'
_TAG_SCHEMA = {"type": "string", "pattern": _TAGS}


def _header(name: str, schema: dict[str, Any], about: str, response: Any = False) -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.HEADER, description=about, response=response)


_AS_OF = OpenApiParameter(
    "as_of",
    type={"type": "string", "format": "date-time"},
    location=OpenApiParameter.QUERY,
    description="Rows as they were at this time, which is not in the future.",
)
_CURSOR = OpenApiParameter(
    "cursor",
    type={"type": "string", "pattern": r"^[^\x00]+$"},
    location=OpenApiParameter.QUERY,
    description="Where to read on, as `next` and `previous` say; good for one filter and order alone.",
)
_FORM = OpenApiParameter(
    "format",
    type={"type": "string", "enum": ["json", "ndjson", "csv", "xlsx", "parquet"]},
    location=OpenApiParameter.QUERY,
    description="In which form; all but `json` are files of all rows, or of as many as `filter.limit` says.",
)
_UNLESS_KNOWN = _header(
    "If-None-Match", _TAG_SCHEMA, "The ETag of what you have: 304 if nothing has changed."
)
_IF_SEEN = _header("If-Match", _TAG_SCHEMA, "The ETag with which you read the row: 412 if it has changed.")
_COUNT = _header(
    "Prefer",
    {"type": "string", "examples": [f"count={kind}" for kind in COUNTS]},
    "`count=exact` or `count=estimated` counts the rows on all pages; nothing is counted without it. "
    "What is not known is left aside (RFC 7240).",
)
_TAG = _header("ETag", {"type": "string"}, "Names this state of what is answered.", ["200"])
_APPLIED = _header("Preference-Applied", {"type": "string"}, "The preference that was followed.", ["200"])

_BY_ACTION: dict[str, list[OpenApiParameter]] = {
    "list": [_CURSOR, _FORM, _AS_OF, _COUNT, _UNLESS_KNOWN, _TAG, _APPLIED],
    "find": [_CURSOR, _AS_OF, _COUNT, _TAG, _APPLIED],
    "find_one": [_AS_OF],
    "count": [_AS_OF],
    "retrieve": [_AS_OF, _UNLESS_KNOWN, _TAG],
    "update": [_IF_SEEN, _TAG],
    "partial_update": [_IF_SEEN, _TAG],
    "destroy": [_IF_SEEN],
}


class RowSchema(ApiSchema):
    """Adds cursors, the past, totals and conditions to the endpoints of rows."""

    view: Any

    def get_override_parameters(self) -> Any:
        """Add the parameters and headers of the action."""
        own: list[Any] = getattr(self.view, "described_parameters", list)()
        return [*super().get_override_parameters(), *_BY_ACTION.get(self.view.action, []), *own]

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        if self.view.action == "list":
            for kind, content in bodies["200"]["content"].items():
                if kind != JSONRenderer.media_type:
                    content["schema"] = {"type": "string"}
        if _UNLESS_KNOWN in _BY_ACTION.get(self.view.action, []):
            bodies["304"] = {"description": "Nothing has changed since the state that `If-None-Match` names."}
        return dict(sorted(bodies.items()))

    def _problem_statuses(self) -> list[str]:
        found = super()._problem_statuses()
        return [*found, "412", "428"] if _IF_SEEN in _BY_ACTION.get(self.view.action, []) else found


class ListPagination(BoundedPagination):
    """A page of rows as it is described; what is answered is made by :func:`answer_list`."""

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Add nothing: the filter says it."""
        return []

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """Describe a page: ``count`` is there only if it was asked for."""
        described = super().get_paginated_response_schema(schema)
        described["required"] = [name for name in described["required"] if name != "count"]
        described["properties"]["count"]["description"] = "Rows on all pages, if `Prefer: count=` asks."
        return described
