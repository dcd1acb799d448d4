"""Authentication, membership, actor and operation, once per request and in this order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import get_user
from django.http import HttpRequest, HttpResponseBase

from shared_apps.namespaces.identity import Identity, identity_of_secret, identity_of_user
from smartmodels.context import operation
from smartmodels.tenancy.streams import keep_bound

__all__ = ["IdentityMiddleware"]

_SCHEMES = ("token", "bearer")
_API = "/api/"


class IdentityMiddleware:
    """Settle who asks: ``request.user``, ``request.membership``, ``request.authenticated_by``.

    ``request.is_staff`` tells whether it is somebody of the staff, who may pass where a namespace is closed;
    what they may do there follows from their membership as everywhere.
    ``authenticated_by`` is "token", "session", "key", "oauth" or None, and ``request.scopes`` says what a
    program may do, None for a person. Programs have no business outside of the API. On a namespace's host
    somebody who is not its member is nobody: the request goes on as an anonymous one. Everything the request
    writes belongs to one operation, whose actor is the user or the program.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        identity = self._identify(request)
        with operation(actor=identity.actor, nested=False) as opened:
            response = self.get_response(request)
        if identity.used is not None:
            response._resource_closers.append(identity.used)  # type: ignore[attr-defined]
        return keep_bound(response, opened.resumed)

    @staticmethod
    def _identify(request: Any) -> Identity:
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() in _SCHEMES:
            found = identity_of_secret(secret.strip(), programs=request.path_info.startswith(_API))
        else:
            found = identity_of_user(get_user(request), "session")  # at once, since everybody asks who it is
        request.user, request.membership = found.user, found.membership
        request.authenticated_by, request.scopes = found.by, found.scopes
        request.is_staff = found.staff
        if found.membership is not None:
            request.user.membership = found.membership
        return found
