"""Authentication, membership, actor and operation, once per request and in this order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase

from shared_apps.namespaces.identity import membership_of, user_of_token
from smartmodels.context import Actor, operation
from smartmodels.tenancy.streams import keep_bound

__all__ = ["IdentityMiddleware"]

_SCHEMES = ("token", "bearer")


class IdentityMiddleware:
    """Settle who asks: ``request.user``, ``request.membership``, ``request.authenticated_by``.

    ``request.is_staff`` tells whether it is somebody of the staff, who may pass where a namespace is closed;
    what they may do there follows from their membership as everywhere.
    ``authenticated_by`` is "token", "session" or None. On a namespace's host somebody who is not its
    member is nobody: the request goes on as an anonymous one. Everything the request writes belongs to
    one operation, whose actor is the user.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.identify = self._identify  # type: ignore[attr-defined]  # streams ask again
        self._identify(request)
        user = request.user
        actor = Actor.user(user) if user.is_authenticated else Actor.anonymous()
        with operation(actor=actor, nested=False) as opened:
            response = self.get_response(request)
        return keep_bound(response, opened.resumed)

    @staticmethod
    def _identify(request: Any) -> None:
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        request.authenticated_by = None
        request.membership = None
        if scheme.lower() in _SCHEMES:
            request.user = user_of_token(secret.strip()) or AnonymousUser()
            request.authenticated_by = "token"
        else:
            request.user = get_user(request)  # at once, since everybody asks it something
            request.authenticated_by = "session" if request.user.is_authenticated else None
        request.is_staff = request.user.is_authenticated and request.user.is_active and request.user.is_staff
        if request.namespace is None or not request.user.is_authenticated:
            return
        request.membership = membership_of(request.user)
        if request.membership is None:
            request.user = AnonymousUser()
            request.authenticated_by = None
        else:
            request.user.membership = request.membership
