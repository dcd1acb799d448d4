"""How nested rows are described in the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from rest_framework import serializers

from smartmodels.rest.nested.declaring import ROWS_MAX, Nested, Relation, relation_of
from smartmodels.rest.served import extended

__all__ = ["with_nested"]

_ID = {"type": "string", "format": "uuid"}


def _array(items: Any) -> dict[str, Any]:
    return {"type": "array", "maxItems": ROWS_MAX, "items": items}


class _NestedField(serializers.JSONField):
    """Rows above or below: described by the serializers of their own endpoint."""

    def __init__(self, rows: Rows, **kwargs: Any) -> None:
        self.rows = rows
        super().__init__(**kwargs)


class _AboveField(_NestedField):
    """A row that this one belongs to: its id, or what it is to be."""

    def describe(self, schema: Any) -> dict[str, Any]:
        """Return the schema of the field."""
        return {"anyOf": [_ID, *self.rows.refer(schema)]}


class _BelowField(_NestedField):
    """Rows below this one: an array, or what is to be done with which."""

    def describe(self, schema: Any) -> dict[str, Any]:
        """Return the schema of the field."""
        new, change = self.rows.refer(schema)
        either = _array({"anyOf": [change, new]})
        verbs = {
            "create": _array(new),
            "update": _array(change),
            **dict.fromkeys(("merge", "replace"), either),
            **dict.fromkeys(("delete", "link", "unlink"), _array(_ID)),
        }
        acts = {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": verbs}
        return {"oneOf": [either, acts]}


class _LinkedField(_BelowField):
    """Rows that this one is linked with: as rows below it, and any visible row by its id."""

    def describe(self, schema: Any) -> dict[str, Any]:
        """Return the schema of the field."""
        rows, acts = super().describe(schema)["oneOf"]
        either = _array({"anyOf": [_ID, *rows["items"]["anyOf"]]})
        return {
            "oneOf": [
                either,
                {**acts, "properties": {**acts["properties"], "merge": either, "replace": either}},
            ]
        }


@dataclass(frozen=True)
class Rows:
    """Nested rows in words of the document: new ones, and changes of those that have an id."""

    viewset: Any
    parent: str
    """The key to the row around them, which is not theirs to say; empty for a row above."""

    def refer(self, schema: Any) -> list[dict[str, Any]]:
        """Return references to the two."""
        view = extended(self.viewset)(request=None, format_kwarg=None, action="create", kwargs={})
        new, change = _classes(view.written_class(), self.parent)
        refs = (
            schema.resolve_serializer(new(), "request").ref,
            schema.resolve_serializer(change(partial=True), "request").ref,
        )
        return [refs[0], {"allOf": [refs[1], {"required": ["id"]}]}]


@cache
def _classes(serializer_class: Any, parent: str) -> tuple[Any, Any]:
    name = serializer_class.__name__.removesuffix("Serializer")
    sources = {parent, f"{parent}_id"} - {"", "_id"}

    def get_fields(self: Any) -> dict[str, Any]:
        fields = serializer_class.get_fields(self)
        return {name: field for name, field in fields.items() if (field.source or name) not in sources}

    def with_id(self: Any) -> dict[str, Any]:
        return {**get_fields(self), "id": serializers.UUIDField()}

    where = f"{name}Below{parent.title().replace('_', '')}" if parent else f"{name}Above"
    return (
        type(f"{where}Serializer", (serializer_class,), {"get_fields": get_fields}),
        type(f"{where}RowSerializer", (serializer_class,), {"get_fields": with_id}),
    )


def _kind(relation: Relation) -> type[_NestedField]:
    if relation.is_linked:
        return _LinkedField
    return _AboveField if relation.is_above else _BelowField


@cache
def with_nested(serializer_class: Any, model: Any, fields: tuple[tuple[str, Nested], ...]) -> Any:
    """Return the serializer with the nested rows as fields, for the document alone."""
    meta = serializer_class.Meta
    extra: dict[str, Any] = {}
    for name, nested in fields:
        relation = relation_of(model, name)
        above = relation.is_above
        own = serializer_class().fields.get(name)
        # Whose rows are linked says nothing of themselves.
        has_parent = not (above or relation.is_linked)
        required = not has_parent and own is not None and own.required and not nested.flat
        rows = Rows(nested.viewset, relation.field.name if has_parent else "")
        extra[name] = _kind(relation)(rows, required=required)
        extra |= {alias: serializers.JSONField(required=False) for alias in nested.flat}
    names = tuple(dict.fromkeys((*meta.fields, *extra)))
    body = {**extra, "Meta": type("Meta", (meta,), {"fields": names})}
    name = serializer_class.__name__.removesuffix("Serializer")
    return type(f"{name}TreeSerializer", (serializer_class,), body)
