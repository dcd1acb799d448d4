"""From a request to the filter it asks for: JSON or brackets in the query string, or JSON in the body."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ParseError

from smartmodels.rest.faults import Fault, InvalidInputHere
from smartmodels.rest.filtering.brackets import as_tree
from smartmodels.rest.filtering.errors import InvalidFilter
from smartmodels.rest.parsing import strict_json

__all__ = ["given_in_body", "given_in_query"]


class MalformedJson(InvalidInputHere):
    """The parameter is no JSON."""

    default_code = "malformed-json"


def _decoded(name: str, text: str) -> Any:
    try:
        return strict_json(text, f"`{name}`")
    except ParseError as error:
        raise MalformedJson(Fault("malformed-json", str(error.detail), pointer="")) from error


def given_in_query(request: Any, name: str) -> Any:
    """Return what the parameter ``name`` says, None if it is not given.

    Raises InvalidFilter when it is given twice or in both forms, and InvalidInputHere for malformed JSON.
    """
    whole = request.query_params.getlist(name)
    parts = [(key, values) for key, values in request.query_params.lists() if key.startswith(f"{name}[")]
    if whole and parts:
        raise InvalidFilter("give the JSON form or the bracket form, not both")
    if len(whole) > 1:
        raise InvalidFilter(f"{name} given twice")
    if parts:
        return as_tree((key[len(name) :], values) for key, values in parts)
    return _decoded(name, whole[0]) if whole else None


def given_in_body(request: Any) -> Any:
    """Return the filter in the body: the body itself, or its only member ``filter``."""
    data = request.data
    return data["filter"] if isinstance(data, dict) and set(data) == {"filter"} else data
