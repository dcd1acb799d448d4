"""What a client prefers (RFC 7240): to wait for the result, or to be told where it will be."""

from __future__ import annotations

from typing import Any

__all__ = ["preferences", "prefers_to_wait"]


def preferences(request: Any) -> dict[str, str]:
    """Return what ``Prefer`` names, in lower case, each with its value; the first of a name counts."""
    found: dict[str, str] = {}
    for each in request.headers.get("Prefer", "").replace(";", ",").split(","):
        name, _, value = each.partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def prefers_to_wait(request: Any) -> bool:
    """Tell whether the request says ``Prefer: wait`` (with any number of seconds), or ``?wait=true``.

    ``respond-async`` beside it wins; without either the answer comes at once.
    """
    named = preferences(request)
    if "respond-async" in named:
        return False
    return "wait" in named or request.query_params.get("wait", "").lower() in ("1", "true")
