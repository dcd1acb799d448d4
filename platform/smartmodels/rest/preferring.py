"""What a client prefers (RFC 7240): to wait for the result, or to be told where it will be."""

from __future__ import annotations

from typing import Any

from smartmodels.rest.faults import InvalidParameter

__all__ = ["preferences", "prefers_to_wait", "truth_in"]

_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def preferences(request: Any) -> dict[str, str]:
    """Return what ``Prefer`` names, in lower case, each with its value; the first of a name counts."""
    found: dict[str, str] = {}
    for each in request.headers.get("Prefer", "").replace(";", ",").split(","):
        name, _, value = each.partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def prefers_to_wait(request: Any) -> bool:
    """Tell whether the request says ``Prefer: wait`` (with any number of seconds), or ``?wait=true``.

    ``respond-async`` beside it wins; without either the answer comes at once. Raises InvalidParameter for
    another value of the parameter.
    """
    named = preferences(request)
    if "respond-async" in named:
        return False
    return "wait" in named or truth_in(request, "wait")


def truth_in(request: Any, name: str, *, default: bool = False) -> bool:
    """Return what a parameter of the query says, the default if it is not given; raise InvalidParameter."""
    given = request.query_params.get(name, str(default)).lower()
    if given not in _TRUTH:
        raise InvalidParameter(name, "Say true or false.")
    return _TRUTH[given]
