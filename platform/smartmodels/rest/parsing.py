"""Bodies are JSON, strictly: UTF-8, bounded, no name twice, nothing that cannot be stored."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from smartmodels.rest.faults import Fault, InvalidInputHere, pointer_to

__all__ = ["StrictJSONParser", "is_storable", "parse_json", "strict_json", "unstorable_in"]

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can hold the text: no NUL and no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {double[:100]!a} stands twice in one object")
    return found


def unstorable_in(value: Any) -> tuple[Any, ...] | None:
    """Return where in a JSON value a text or a name stands that PostgreSQL cannot hold; None if nowhere."""
    left: list[tuple[Any, tuple[Any, ...]]] = [(value, ())]
    while left:
        part, place = left.pop()
        if isinstance(part, str) and not is_storable(part):
            return place
        if isinstance(part, dict) and not all(map(is_storable, part)):
            return place
        if isinstance(part, (dict, list)):
            items = part.items() if isinstance(part, dict) else enumerate(part)
            left += [(inner, (*place, name)) for name, inner in items]
    return None


def strict_json(text: str, what: str = "The body") -> Any:
    """Return the value of a JSON text; raise ParseError, also for a name that stands twice in one object."""
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_without_doubles)
    except RecursionError as error:
        raise ParseError(f"{what} is nested too deeply.") from error
    except ValueError as error:
        raise ParseError(f"{what} is not JSON: {error}.") from error


def parse_json(content: bytes) -> Any:
    """Return the value that the bytes say, strictly; raise ParseError or InvalidInputHere."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError("The body is not UTF-8.") from error
    value = strict_json(text)
    if "\\u" in text and (place := unstorable_in(value)) is not None:
        message = "NUL and unpaired surrogates cannot be stored."
        raise InvalidInputHere(Fault("invalid-character", message, pointer=pointer_to(*place)))
    return value


class StrictJSONParser(BaseParser):
    """Parse ``application/json``; at most ``DATA_UPLOAD_MAX_MEMORY_SIZE`` bytes are read."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the value of the body; raise ParseError, InvalidInputHere or RequestDataTooBig."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 2**31
        content = stream.read(most + 1)
        if len(content) > most:
            raise RequestDataTooBig
        return parse_json(content)
