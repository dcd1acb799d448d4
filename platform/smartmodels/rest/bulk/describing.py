"""How the endpoints for many rows describe themselves in the OpenAPI document."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from smartmodels.rest.bulk.preferences import MAX_AFFECTED

__all__ = [
    "answers_of",
    "body_of",
    "describe_change",
    "describe_create",
    "describe_import",
    "describe_report",
    "describe_rows",
]

BULK_MAX = 1_000
"""The most rows that one array may hold."""

_PREFER = OpenApiParameter(
    "Prefer",
    type={"type": "string", "examples": ["return=minimal", "handling=lenient, return=representation"]},
    location=OpenApiParameter.HEADER,
    description="`handling=lenient`: 207 and one status per row. `tx=rollback`: a rehearsal. "
    "`return=minimal` or `representation`. `resolution=ignore-duplicates`, `max-affected=10`. "
    "What is not known is left aside (RFC 7240).",
)
_ON_CONFLICT = OpenApiParameter(
    "on_conflict", str, description="Unique fields: rows of an array that have these values are changed."
)
_MOST = OpenApiParameter(
    "max_affected",
    type={"type": "integer", "minimum": 1, "maximum": MAX_AFFECTED},
    description="If more rows meet `where`, nothing is written.",
)

describe_create = extend_schema(parameters=[_PREFER, _ON_CONFLICT])
describe_rows = extend_schema(parameters=[_PREFER])
describe_change = extend_schema(parameters=[_PREFER, _MOST])

_IMPORT = OpenApiParameter(
    "import",
    type={"type": "string", "format": "uuid"},
    description="Names the import: sent again with the same id, what was committed is skipped.",
)
_CHUNK = {
    "type": "object",
    "required": ["chunk", "first_line", "lines", "state", "created", "failed", "errors"],
    "properties": {
        "chunk": {"type": "integer"},
        "first_line": {"type": "integer"},
        "lines": {"type": "integer"},
        "state": {"enum": ["committed", "skipped", "refused"]},
        "created": {"type": "integer"},
        "failed": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": True},
            "description": "Of all chunks together the first 1,000.",
        },
    },
}
_IMPORTED = {
    "type": "object",
    "required": ["import", "state", "created", "failed", "chunks"],
    "properties": {
        "import": {"type": "string", "format": "uuid"},
        "state": {"enum": ["complete", "stopped", "committed"]},
        "created": {"type": "integer"},
        "failed": {"type": "integer"},
        "chunks": {"type": "array", "items": _CHUNK},
    },
}

describe_import = extend_schema(
    parameters=[_PREFER, _IMPORT],
    # Bytes: each line is judged alone, and the report tells which are no rows.
    request={"application/x-ndjson": {}},
    responses={(200, "application/json"): _IMPORTED, (207, "application/json"): _IMPORTED},
)
_REPORTED = OpenApiParameter(
    "import", type={"type": "string", "format": "uuid"}, required=True, description="Names the import."
)
describe_report = extend_schema(
    parameters=[_REPORTED],
    responses={(200, "application/json"): _IMPORTED},
)

_IDS = {"type": "array", "maxItems": BULK_MAX, "items": {"type": "string", "format": "uuid"}}
_COUNT = {
    "type": "object",
    "required": ["affected"],
    "properties": {"affected": {"type": "integer", "minimum": 0}},
}
_RESULT = {
    "type": "object",
    "required": ["index", "status"],
    "properties": {
        "index": {"type": "integer", "description": "The number of the row in the array."},
        "status": {"type": "integer", "description": "What this row alone would have been answered."},
        "id": {"type": "string", "format": "uuid"},
        "row": {"type": "object", "additionalProperties": True},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    },
}
_REPORT = {
    "type": "object",
    "required": ["succeeded", "failed", "results"],
    "properties": {
        "succeeded": {"type": "integer", "minimum": 0},
        "failed": {"type": "integer", "minimum": 0},
        "results": {"type": "array", "items": _RESULT},
    },
}


@cache
def _row_class(serializer_class: Any) -> Any:
    """Return the serializer of a row that names itself by its ``id``."""
    name = serializer_class.__name__.removesuffix("Serializer")
    return type(f"{name}RowSerializer", (serializer_class,), {"id": serializers.UUIDField()})


def _array(items: Any) -> dict[str, Any]:
    return {"type": "array", "maxItems": BULK_MAX, "items": items}


def body_of(view: Any, schema: Any) -> dict[str, Any] | None:
    """Return the JSON schema of the body of a write of many rows; None for what is described otherwise."""
    serializer_class = view.written_class()

    def refer(found: Any, **options: Any) -> dict[str, Any]:
        return schema.resolve_serializer(found(**options), "request").ref  # type: ignore[no-any-return]

    if view.action == "create":
        one = refer(serializer_class)
        return {"oneOf": [one, _array(one)]}
    if view.action == "bulk_replace":
        return _array(refer(_row_class(serializer_class)))
    if view.action == "bulk_change":
        some = _array({"allOf": [refer(_row_class(serializer_class), partial=True), {"required": ["id"]}]})
        # The same for many rows: nested ones belong to a single row.
        return {"oneOf": [some, refer(view.get_serializer_class(), partial=True)]}
    if view.action in ("update", "partial_update"):
        return refer(serializer_class, partial=view.action == "partial_update")
    return _IDS if view.action in ("bulk_remove", "bulk_restore") else None


def answers_of(view: Any, schema: Any) -> dict[str, Any]:
    """Return the JSON schemas of the answers to a write of many rows, by status; None stands for no body."""
    shown = schema.resolve_serializer(view.get_serializer_class()(), "response").ref
    # What is deleted by `where` may be more than an array may hold.
    rows = {"type": "array", "items": shown}
    if view.action == "create":
        both = {"oneOf": [shown, rows]}
        return {"200": rows, "201": both, "204": None, "207": _REPORT}
    if view.action in ("bulk_change", "bulk_remove"):
        return {"200": {"oneOf": [rows, _COUNT]}, "204": None, "207": _REPORT}
    if view.action in ("bulk_replace", "bulk_restore"):
        return {"200": rows, "204": None, "207": _REPORT}
    return {}
