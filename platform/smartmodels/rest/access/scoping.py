"""What a program may call: the scopes of its key or token against what an endpoint is for.

People, who come with a session or a token of their own, have no scopes: their role decides alone. A program
may call lists and rows, for which there are scopes by the name of the list. Anything else (accounts, tokens,
keys) is closed to it unless the view says ``open_to_programs``, and then it is only read.
"""

from __future__ import annotations

from typing import Any

from django.urls import get_resolver
from rest_framework.permissions import SAFE_METHODS

from smartmodels.rest.problems import Problem, Refused
from smartmodels.tenancy.scopes import allows

__all__ = ["lists_here", "require_scope", "require_within_scope", "scope_needed", "within_scope"]


def lists_here() -> frozenset[str]:
    """Return the names of the lists that the API of the bound namespace has."""
    names = (name for name in get_resolver().reverse_dict if isinstance(name, str))
    return frozenset(name.removesuffix("-list") for name in names if name.endswith("-list"))


def _action_of(view: Any, method: str) -> str:
    if method in SAFE_METHODS or getattr(view, "only_reads", False):
        return "read"
    return str(getattr(view, "scope_of_writes", "write"))


def scope_needed(view: Any, method: str) -> str | None:
    """Return the narrowest scope that lets a program call this, such as ``studies:read``.

    ``*`` stands for any scope at all; None for what no program may call.
    """
    resource = getattr(view, "basename", None)
    if getattr(view, "closed_to_programs", False):
        return None
    if resource:
        return f"{resource}:{_action_of(view, method)}"
    return "*" if getattr(view, "open_to_programs", False) and method in SAFE_METHODS else None


def within_scope(request: Any, resource: str | None, action: str) -> bool:
    """Tell whether whoever asks may do the action with the rows of a list, as far as scopes go.

    For what reaches rows of another list than the one in the address: reverts, nested rows, inclusions. None
    stands for all lists.
    """
    scopes = getattr(request._request, "scopes", None)
    return scopes is None or allows(scopes, resource, action)


def require_scope(request: Any, view: Any) -> None:
    """Raise Refused (403, ``insufficient-scope``) for a program whose scopes do not cover the request."""
    if getattr(request._request, "scopes", None) is None:
        return
    needed = scope_needed(view, request.method)
    if needed is None:
        message = "Programs may not do this: a member does it, with a session or a token of their own."
        raise Refused(Problem(403, "insufficient-scope", message))
    resource, _, action = needed.partition(":")
    if needed != "*":
        require_within_scope(request, resource, action)


def require_within_scope(request: Any, resource: str, action: str) -> None:
    """Raise Refused (403, ``insufficient-scope``) unless :func:`within_scope` says yes."""
    if within_scope(request, resource, action):
        return
    needed = f"{resource}:{action}"
    message = f"The scopes of this key or token do not allow this: it takes {needed}."
    challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
    raise Refused(Problem(403, "insufficient-scope", message, headers={"WWW-Authenticate": challenge}))
