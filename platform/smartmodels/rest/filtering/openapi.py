"""How a filter describes itself in the OpenAPI document: typed, one per resource."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers

from smartmodels.rest.filtering.belonging import NAMESPACES, belonging_schema, is_belonging
from smartmodels.rest.filtering.caps import INCLUDES, ITEMS
from smartmodels.rest.filtering.columns import Column, columns_of, readable_of
from smartmodels.rest.filtering.operators import OPERATORS, PATTERNS
from smartmodels.rest.filtering.relations import Relation, relations_of
from smartmodels.rest.served import view_class_of
from smartmodels.rest.shapes import BLANK_OR_TEXT

__all__ = ["describe", "filter_schema", "response_schema"]

_Component: Any = ResolvedComponent
_TYPED = ("type", "format", "pattern")
_WAY = "( (ASC|DESC))?( NULLS (FIRST|LAST))?"
_LIKE = r"^([^\x00\\]|\\[^\x00])*$"
"""A backslash stands before what it protects."""

_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
_IN_WORDS = (
    "Which rows, in which order, and what of them, as JSON. The same in brackets: "
    "`filter[where][name]=x&filter[order]=name DESC&filter[limit]=10`."
)


def describe(view: Any, name: str = "filter") -> dict[str, Any]:
    """Return the parameter ``filter``, or ``where`` of a count."""
    part = filter_schema(view) if name == "filter" else where_schema(view)
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": _IN_WORDS if name == "filter" else "Which rows: as in `filter`.",
        "content": {"application/json": {"schema": part}},
    }


def filter_schema(view: Any) -> dict[str, Any]:
    """Return a reference to the schema of a view's filter."""
    names = list(readable_of(view.get_serializer_class()))
    fields = {"type": "array", "items": {"enum": names}}
    truths = {"type": "object", "additionalProperties": False}
    truths["properties"] = {name: {"type": "boolean"} for name in names}
    properties: dict[str, Any] = {
        "where": where_schema(view),
        "fields": {"oneOf": [fields, truths]},
        "order": _order_schema(view),
        "limit": {"type": "integer", "minimum": 1},
        "skip": {"type": "integer", "minimum": 0, "description": "`offset` in its place says the same."},
    }
    if related := sorted(relations_of(view).items()):
        included = [_include_schema(name, relation) for name, relation in related]
        alone = {"enum": [name for name, _ in related]}
        properties["include"] = {
            "type": "array",
            "maxItems": INCLUDES,
            "items": {"anyOf": [alone, *included]},
        }
    return _component(view, "Filter", _closed(properties))


def _order_schema(view: Any) -> dict[str, Any]:
    columns = columns_of(view.get_serializer_class(), view.model).values()
    names = "|".join(re.escape(column.name) for column in columns if column.is_comparable)
    term = f"({names}){_WAY}"
    text = {"type": "string", "pattern": f"^({term}(, ?{term})*)?$"}
    return {"oneOf": [text, {"type": "array", "items": text, "maxItems": ITEMS}]}


def where_schema(view: Any) -> dict[str, Any]:
    """Return a reference to the schema of a view's conditions."""
    itself = {"$ref": _referred(view, "Where")}
    properties: dict[str, Any] = {
        column.name: _property_schema(view, column)
        for column in columns_of(view.get_serializer_class(), view.model).values()
    }
    branches = {"type": "array", "items": itself}
    properties.update({"and": branches, "or": branches, "nor": branches, "not": itself})
    if is_belonging(view.model, NAMESPACES):
        properties.setdefault(NAMESPACES, belonging_schema())
    schema = _closed(properties)
    for relation in relations_of(view).values():
        schema["properties"].update(_related_schemas(relation))
    return _component(view, "Where", schema)


def _related_schemas(relation: Relation) -> dict[str, Any]:
    """Return the conditions on the columns of related rows (`owner.name`): as their own endpoint has them."""
    view = _view_of(relation)
    names = columns_of(view.get_serializer_class(), view.model)
    there = f"{_referred(view, 'Where')}/properties"
    named = [*names, NAMESPACES] if is_belonging(relation.model, NAMESPACES) else names
    return {f"{relation.name}.{name}": {"$ref": f"{there}/{name}"} for name in named}


def _view_of(relation: Relation) -> Any:
    view_class: Any = view_class_of(relation.model)
    return view_class(request=None, format_kwarg=None, action="list", kwargs={})


def row_schema(view: Any) -> dict[str, Any]:
    """Return a reference to the schema of a row of which ``fields`` may leave out some."""
    # A copy to the bottom: enumerations are taken out of components in place.
    whole = deepcopy(view.schema.resolve_serializer(view.get_serializer_class()(), "response").schema)
    schema = {name: part for name, part in whole.items() if name != "required"}
    related = {name: {"description": "What `include` asks for."} for name in sorted(relations_of(view))}
    schema["properties"] = {**related, **whole["properties"]}
    return _component(view, "Row", schema)


def response_schema(view: Any) -> dict[str, Any]:
    """Return the schema of an answer: a row, of which lists are made elsewhere, or a page of ``find``."""
    if view.action != "find":
        return row_schema(view)
    page: dict[str, Any] = view.pagination_class().get_paginated_response_schema(
        {"type": "array", "items": row_schema(view)}
    )
    return page


def _include_schema(name: str, relation: Relation) -> dict[str, Any]:
    whole = _closed({"relation": {"const": name}, "scope": {"$ref": _referred(_view_of(relation), "Filter")}})
    return {**whole, "required": ["relation"]}


def _property_schema(view: Any, column: Column) -> dict[str, Any]:
    value = _value_schema(view, column)
    values = {"type": "array", "items": value}
    text, two = {"type": "string", "pattern": BLANK_OR_TEXT}, {**values, "minItems": 2, "maxItems": 2}
    own = {"exists": {"type": "boolean"}, "inq": values, "nin": values, "between": two}
    known = [name for name in OPERATORS if name not in PATTERNS or column.is_text]
    like = {**text, "pattern": _LIKE}
    own |= {name: text if name.endswith("regexp") else like for name in PATTERNS}
    operators = {name: own.get(name, value) for name in known}
    if not column.is_text:
        return {"anyOf": [value, {**_closed(operators), "minProperties": 1}]}
    options = {"options": {"enum": ["i", "", None], "description": "`i`: a pattern in any case."}}
    patterns = [{"required": [name]} for name in known if name in PATTERNS]
    others = [{"required": [name]} for name in known if name not in PATTERNS]
    without = {"properties": {"options": {"enum": ["", None]}}, "anyOf": others}
    return {"anyOf": [value, {**_closed(operators | options), "anyOf": [*patterns, without]}]}


def _value_schema(view: Any, column: Column) -> dict[str, Any]:
    shown = getattr(column.shown, "pk_field", None) or column.shown
    mapped = view.schema._map_serializer_field(shown, "response")
    found = {name: mapped[name] for name in _TYPED if name in mapped}
    if isinstance(shown, serializers.ChoiceField) or "type" not in found:
        found = {"type": "string"}
    kinds = [found["type"]] if isinstance(found["type"], str) else list(found["type"])
    found["type"] = [*dict.fromkeys([*kinds, "null"])]
    if found.get("format") == "decimal":
        found["pattern"] = _DECIMAL
    if "string" in kinds and "format" not in found:
        found.setdefault("pattern", BLANK_OR_TEXT)
    return found


# Components


def _referred(view: Any, kind: str) -> str:
    return f"#/components/schemas/{_name(view, kind)}"


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _name(view: Any, kind: str) -> str:
    return f"{view.model.__name__}{kind}"


def _component(view: Any, kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    component = _Component(
        name=_name(view, kind), type=ResolvedComponent.SCHEMA, schema=schema, object=_name(view, kind)
    )
    view.schema.registry.register_on_missing(component)
    found: dict[str, Any] = component.ref
    return found
