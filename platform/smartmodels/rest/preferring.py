"""What a client prefers (RFC 7240): to wait for the result, or to be told where it will be."""

from __future__ import annotations

from typing import Any

__all__ = ["prefers_to_wait"]


def prefers_to_wait(request: Any) -> bool:
    """Tell whether the request says ``Prefer: wait`` (with any number of seconds), or ``?wait=true``.

    ``respond-async`` beside it wins; without either the answer comes at once.
    """
    given = ",".join(request.headers.get("Prefer", "").split(";"))
    names = {each.partition("=")[0].strip().lower() for each in given.split(",")}
    if "respond-async" in names:
        return False
    return "wait" in names or request.query_params.get("wait", "").lower() in ("1", "true")
