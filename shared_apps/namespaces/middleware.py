"""Authentication, membership, actor and operation, once per request and in this order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import get_user
from django.http import HttpRequest, HttpResponseBase

from shared_apps.namespaces.identity import Identity, identity_of_secret, identity_of_user
from smartmodels.context import operation
from smartmodels.rest.access.limiting import admit
from smartmodels.rest.problems import problem_of, problem_response
from smartmodels.tenancy.guessing import address_of
from smartmodels.tenancy.streams import keep_bound

__all__ = ["IdentityMiddleware"]

_SCHEMES = ("token", "bearer")


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


class IdentityMiddleware:
    """Settle who asks: ``request.user``, ``request.membership``, ``request.authenticated_by``.

    ``request.is_staff`` tells whether it is somebody of the staff, who may pass where a namespace is closed;
    what they may do there follows from their membership as everywhere.
    ``authenticated_by`` is "token", "session", "key", "oauth" or None, and ``request.scopes`` says what a
    program may do, None for a person. Programs have no business outside of the API. On a namespace's host
    somebody who is not its member is nobody: the request goes on as an anonymous one. Everything the request
    writes belongs to one operation, whose actor is the user or the program. Who asks the API too often is
    refused.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.identify = self._identify  # type: ignore[attr-defined]  # streams ask again
        identity = self._identify(request)
        with operation(actor=identity.actor, nested=False) as opened:
            response = self._admitted(request, identity)
        if identity.used is not None:
            response._resource_closers.append(identity.used)  # type: ignore[attr-defined]
        return keep_bound(response, opened.resumed)

    def _admitted(self, request: HttpRequest, identity: Identity) -> HttpResponseBase:
        """Answer the request unless it is one too many; the pages of people are not counted."""
        if not request.path_info.startswith(("/api/", "/oauth/")):
            return self.get_response(request)
        admission = admit(identity.principal or f"address:{address_of(request)}")
        refused = admission.refused
        problem = None if refused is None else problem_of(refused)
        response = self.get_response(request) if problem is None else problem_response(problem)
        for name, value in admission.headers.items():
            response[name] = value
        return response

    @staticmethod
    def _identify(request: Any) -> Identity:
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() in _SCHEMES:
            found = identity_of_secret(secret.strip(), programs=_is_api(request))
        else:
            found = identity_of_user(get_user(request), "session")  # at once, since everybody asks who it is
        request.user, request.membership = found.user, found.membership
        request.authenticated_by, request.scopes = found.by, found.scopes
        request.is_staff = found.staff
        if found.membership is not None:
            request.user.membership = found.membership
        return found
