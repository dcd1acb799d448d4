"""The client in Python: the standard library alone, for Python 3.11 and later."""

from __future__ import annotations

import keyword
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

__all__ = ["python_client"]


def _choice(values: list[Any]) -> str:
    known = f"Literal[{', '.join(literals(values))}]"
    return f"{known} | None" if None in values else known


_SPELLING = Spelling(
    plain={"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"},
    anything="Any",
    array=lambda inner: f"list[{inner}]",
    mapping=lambda inner: f"dict[str, {inner}]",
    choice=_choice,
)


def _dictionary(name: str, fields: Mapping[str, str], about: str) -> str:
    """Return a TypedDict, in the form that takes any name for a field."""
    body = "".join(f'    "{field}": "{kind}",\n' for field, kind in fields.items())
    return f'# {about}\n{name} = TypedDict("{name}", {{\n{body}}})\n'


def _quoted(kind: str) -> str:
    return kind.replace('"', "'")


def _type(name: str, schema: Mapping[str, Any]) -> str:
    about = no_comment_end(str(schema.get("description") or name))
    if "properties" not in schema:
        return f'# {about}\n{name}: TypeAlias = "{_quoted(type_of(schema, _SPELLING))}"\n'
    needed, fields = set(schema.get("required", ())), {}
    for field, described in schema["properties"].items():
        kind = _quoted(type_of(described, _SPELLING))
        fields[field] = kind if field in needed else f"NotRequired[{kind}]"
    return _dictionary(name, fields, about)


def _query(operation: Operation) -> str:
    fields = {
        each["name"]: f"NotRequired[{_quoted(type_of(each.get('schema'), _SPELLING))}]"
        for each in operation.query
    }
    return _dictionary(_query_name(operation), fields, f"The query of {operation.name}.")


def _query_name(operation: Operation) -> str:
    return "".join(part.capitalize() for part in operation.name.split("_")) + "Query"


def _argument(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) or name == "self" else name


def _method(operation: Operation) -> str:
    arguments = ["self", *(f"{_argument(key)}: str" for key in operation.keys)]
    handed = []
    if operation.body is not None:
        arguments.append(f"body: {type_of(operation.body, _SPELLING)}")
        handed.append("body=body")
    arguments.append("*")
    if operation.query:
        arguments.append(f"query: {_query_name(operation)} | None = None")
        handed.append("query=query")
    arguments.append("headers: Mapping[str, str] | None = None")
    path = operation.path
    for key in operation.keys:
        path = path.replace(f"{{{key}}}", f"{{_key({_argument(key)})}}")
    answer = type_of(operation.answer, _SPELLING) if operation.answer is not None else "Any"
    told = f"{'Deprecated. ' if operation.deprecated else ''}{operation.summary}."
    call = ", ".join([f'"{operation.method}"', f'f"{path}"', *handed, "headers=headers"])
    return (
        f"    def {operation.name}({', '.join(arguments)}) -> {answer}:\n"
        f'        """{told}"""\n'
        f"        return cast({answer!r}, self.request({call}))\n"
    )


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    listed = list(operations(document))
    about = f"{document['info'].get('title', 'API')}, version {document['info'].get('version', '1')}"
    runtime = files("smartmodels.rest.clients").joinpath("runtime.py.txt").read_text()
    before, after = runtime.replace("{about}", no_comment_end(about)).split("# {types}\n")
    yield before
    for name, schema in sorted(document.get("components", {}).get("schemas", {}).items()):
        yield _type(name, schema)
    for operation in listed:
        if operation.query:
            yield _query(operation)
    yield after
    for operation in listed:
        yield _method(operation)


def python_client(document: Mapping[str, Any]) -> str:
    """Return a module with a class ``Api``: one typed method for each operation of the document."""
    return "\n".join(part.rstrip("\n") + "\n" for part in _parts(document))
