"""How nested rows are described in the OpenAPI document."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from smartmodels.rest.nested.declaring import ROWS_MAX, Nested, relation_of

__all__ = ["with_nested"]

_ID = {"type": "string", "format": "uuid"}
_ROW = {"type": "object", "additionalProperties": True}


def _array(items: Any) -> dict[str, Any]:
    return {"type": "array", "maxItems": ROWS_MAX, "items": items}


_ABOVE = {"oneOf": [_ID, _ROW]}
_VERBS = {
    **{verb: _array(_ROW) for verb in ("create", "update", "merge", "replace")},
    **{verb: _array(_ID) for verb in ("delete", "link", "unlink")},
}
_BELOW = {
    "oneOf": [
        _array(_ROW),
        {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": _VERBS},
    ]
}


@extend_schema_field(_ABOVE)
class _AboveField(serializers.JSONField):
    """A row that this one belongs to: its id, or what it is to be."""


@extend_schema_field(_BELOW)
class _BelowField(serializers.JSONField):
    """Rows below this one: an array, or what is to be done with which."""


@cache
def with_nested(serializer_class: Any, model: Any, fields: tuple[tuple[str, Nested], ...]) -> Any:
    """Return the serializer with the nested rows as fields, for the document alone."""
    meta = serializer_class.Meta
    extra: dict[str, Any] = {}
    for name, nested in fields:
        above = relation_of(model, name).is_above
        own = serializer_class().fields.get(name)
        required = above and own is not None and own.required and not nested.flat
        extra[name] = (_AboveField if above else _BelowField)(required=required)
        extra |= {alias: serializers.JSONField(required=False) for alias in nested.flat}
    names = tuple(dict.fromkeys((*meta.fields, *extra)))
    body = {**extra, "Meta": type("Meta", (meta,), {"fields": names})}
    name = serializer_class.__name__.removesuffix("Serializer")
    return type(f"{name}TreeSerializer", (serializer_class,), body)
