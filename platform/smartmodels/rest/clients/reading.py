"""What a client needs to know of an OpenAPI document: its operations, and its types in some language."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Operation", "Spelling", "literals", "no_comment_end", "operations", "type_of"]

_JSON = re.compile(r"application/(.+\+)?json")
_COMPONENTS = "#/components/schemas"
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint: ``body`` and ``answer`` are schemas, None for nothing and for what is not JSON."""

    name: str
    method: str
    path: str
    summary: str
    keys: tuple[str, ...]
    query: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    answer: Mapping[str, Any] | None
    deprecated: bool


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a language writes types: names of the plain ones, and what makes a type of others."""

    plain: Mapping[str, str]
    anything: str
    array: Callable[[str], str]
    mapping: Callable[[str], str]
    choice: Callable[[list[Any]], str]


def _schema(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((each.get("schema", {}) for kind, each in content.items() if _JSON.fullmatch(kind)), None)


def _answer(responses: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what a request that went well is answered with; 207 comes only to who prefers it."""
    good = [each for status, each in sorted(responses.items()) if status.startswith("2") and status != "207"]
    found = [schema for each in good if (schema := _schema(each.get("content", {}))) is not None]
    choices = [choice for schema in found for choice in schema.get("oneOf", [schema])]
    return {"oneOf": choices} if choices else None


def _operation(method: str, path: str, described: Mapping[str, Any]) -> Operation:
    given = described.get("parameters", ())
    return Operation(
        name=re.sub(r"\W", "_", described["operationId"]),
        method=method.upper(),
        path=path,
        summary=no_comment_end(described.get("summary") or described["operationId"]),
        keys=tuple(re.findall(r"\{(\w+)\}", path)),
        query=tuple(each for each in given if each["in"] == "query"),
        body=_schema(described.get("requestBody", {}).get("content", {})),
        answer=_answer(described.get("responses", {})),
        deprecated=bool(described.get("deprecated")),
    )


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Yield the operations of a document, by path."""
    for path, methods in sorted(document["paths"].items()):
        for method in _METHODS:
            if method in methods:
                yield _operation(method, path, methods[method])


def no_comment_end(text: str) -> str:
    """Return a text that can stand in a comment or docstring: on one line, ending neither."""
    one_line = " ".join(text.split()).replace("*/", "* /").replace("\\", "/")
    return one_line.replace('"""', "'''").strip('"')


def _union(parts: list[str]) -> str:
    return " | ".join(dict.fromkeys(parts))


def type_of(schema: Mapping[str, Any] | None, spelling: Spelling) -> str:
    """Return how a schema is written as a type."""
    if not schema:
        return spelling.anything
    if "$ref" in schema:
        # What stands inside of a component has no name of its own.
        place, _, name = str(schema["$ref"]).rpartition("/")
        return name if place == _COMPONENTS else spelling.anything
    if "enum" in schema:
        return spelling.choice(schema["enum"])
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema:
            parts = [type_of(each, spelling) for each in schema[key]]
            # Of parts that hold together only a single one has a name.
            return spelling.anything if key == "allOf" and len(parts) > 1 else _union(parts)
    kinds = schema.get("type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return _union([_of_kind(kind, schema, spelling) for kind in listed])


def _of_kind(kind: str | None, schema: Mapping[str, Any], spelling: Spelling) -> str:
    if kind == "array":
        return spelling.array(type_of(schema.get("items"), spelling))
    if kind == "object":
        inner = schema.get("additionalProperties")
        known = isinstance(inner, Mapping) and not schema.get("properties")
        return spelling.mapping(type_of(inner, spelling) if known else spelling.anything)
    return spelling.plain.get(kind or "", spelling.anything)


def literals(values: list[Any]) -> list[str]:
    """Return values as JSON, in which both languages spell text and numbers alike."""
    return [json.dumps(value) for value in values if value is not None]
