"""The client in JavaScript: an ES module on ``fetch``, for browsers and Node 18 and later; typed by JSDoc."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from smartmodels.rest.clients.reading import (
    Operation,
    Spelling,
    literals,
    no_comment_end,
    operations,
    type_of,
)

__all__ = ["javascript_client"]


def _choice(values: list[Any]) -> str:
    return " | ".join([*literals(values), *(["null"] if None in values else [])])


_SPELLING = Spelling(
    plain={"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"},
    anything="any",
    array=lambda inner: f"Array<{inner}>",
    mapping=lambda inner: f"Object<string, {inner}>",
    choice=_choice,
)


def _type(name: str, schema: Mapping[str, Any]) -> str:
    about = no_comment_end(str(schema.get("description") or ""))
    if "properties" not in schema:
        return f"/** {about}\n * @typedef {{{type_of(schema, _SPELLING)}}} {name}\n */\n"
    needed = set(schema.get("required", ()))
    lines = [f"/** {about}", f" * @typedef {{object}} {name}"]
    for field, described in schema["properties"].items():
        shown = field if field in needed else f"[{field}]"
        lines.append(f" * @property {{{type_of(described, _SPELLING)}}} {shown}")
    return "\n".join([*lines, " */", ""])


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in others)


def _options(operation: Operation) -> str:
    known = [
        f"{each['name']}?: {type_of(each.get('schema'), _SPELLING)}"
        for each in operation.query
        if each["name"].isidentifier()
    ]
    query = f"query?: {{{', '.join(known)}}}, " if known else ""
    return f"{{{query}headers?: Object<string, string>}}"


def _method(operation: Operation) -> str:
    answer = type_of(operation.answer, _SPELLING) if operation.answer is not None else "any"
    keys, path = [f"{key}_" for key in operation.keys], operation.path
    for key in operation.keys:
        path = path.replace(f"{{{key}}}", f"${{encodeURIComponent({key}_)}}")
    told = [f"   * {operation.summary}.", *(f"   * @param {{string}} {key}" for key in keys)]
    arguments = [*keys, "options = {}"]
    if operation.body is not None:
        told.append(f"   * @param {{{type_of(operation.body, _SPELLING)}}} body")
        arguments.insert(-1, "body")
    if operation.deprecated:
        told.append("   * @deprecated")
    told += [
        f"   * @param {{{_options(operation)}}} [options]",
        f"   * @returns {{Promise<{answer}>}}",
    ]
    handed = "{ ...options, body }" if operation.body is not None else "options"
    call = f'return this.request("{operation.method}", `{path}`, {handed});'
    head = f"  {_camel(operation.name)}({', '.join(arguments)}) {{"
    return "\n".join(["  /**", *told, "   */", head, f"    {call}", "  }", ""])


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    about = f"{document['info'].get('title', 'API')}, version {document['info'].get('version', '1')}"
    runtime = files("smartmodels.rest.clients").joinpath("runtime.mjs.txt").read_text()
    before, after = runtime.replace("{about}", no_comment_end(about)).split("// {types}\n")
    yield before
    for name, schema in sorted(document.get("components", {}).get("schemas", {}).items()):
        yield _type(name, schema)
    yield after
    for operation in operations(document):
        yield _method(operation)
    yield "}\n"


def javascript_client(document: Mapping[str, Any]) -> str:
    """Return a module with a class ``Api``: one method for each operation of the document."""
    return "\n".join(part.rstrip("\n") + "\n" for part in _parts(document))
