"""DRF's view of who asks, which the middleware has settled already."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied

from smartmodels.rest.access.scoping import scope_needed
from smartmodels.rest.permissions import StaffPermission
from smartmodels.tenancy.scopes import ACTIONS

__all__ = ["IdentityAuthentication"]

# The extra is installed or it is not: its scheme is described where it is.
_OAUTH = ("oauth",) if "oauth2_provider" in settings.INSTALLED_APPS else ()
_APPLICATIONS = "An application that a member let in; `studies:read` and the like are scopes, too."
_ISSUED: dict[str, Any] = {
    "tokenUrl": "/oauth/token/",
    "scopes": {action: f"To {action} everything, as far as the role goes." for action in ACTIONS},
}
_FLOWS = {
    "authorizationCode": {
        "authorizationUrl": "/oauth/authorize/", "refreshUrl": "/oauth/token/", **_ISSUED,
    },
    "clientCredentials": _ISSUED,
}  # fmt: skip


class IdentityAuthentication(SessionAuthentication):
    """Take the user from the request; a session must also send the CSRF token with every write."""

    def authenticate(self, request: Any) -> Any:
        """Return (user, how), or None for an anonymous request.

        Raises AuthenticationFailed for a token that is not, or not any more, good on this host.
        """
        asked = request._request
        if not asked.user.is_authenticated or not asked.user.is_active:
            if asked.authenticated_by == "token":
                raise AuthenticationFailed("This token is not valid here.", code="invalid-token")
            return None
        if asked.authenticated_by == "session":
            self.enforce_csrf(request)
        return asked.user, asked.authenticated_by

    def enforce_csrf(self, request: Any) -> None:
        """Raise PermissionDenied for a write by a session without the CSRF token."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(
                "A session needs the CSRF token with every write: send the cookie `csrftoken` as the "
                "header `X-CSRFToken`, or use a token.",
                code="csrf-failed",
            ) from error

    def authenticate_header(self, request: Any) -> str:
        """Return the challenge that turns a refusal into 401."""
        return 'Bearer realm="api"'


class IdentityScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes it."""

    target_class = IdentityAuthentication
    name = ["token", "session", "key", *_OAUTH]  # noqa: RUF012 - the base class says how it is read

    def get_security_requirement(self, auto_schema: Any) -> Any:
        """Return who may ask: people, and programs with the scope that the operation takes."""
        people: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
        needed = scope_needed(auto_schema.view, auto_schema.method)
        if needed is None or StaffPermission in auto_schema.view.permission_classes:
            return people
        named = [] if needed == "*" else [needed]
        # Of applications the document names the wide scopes alone, since lists differ between projects.
        wide = [scope.rpartition(":")[2] for scope in named]
        return [*people, {"key": named}, *({name: wide} for name in _OAUTH)]

    def get_security_definition(self, auto_schema: Any) -> Any:
        """Return the ways in which a request says who asks."""
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "description": "The token of `POST /api/v1/token/` on this host, good on this host alone.",
            },
            {
                "type": "apiKey",
                "in": "cookie",
                "name": "sessionid",
                "description": "The session of a login on this host; writes also send `X-CSRFToken`.",
            },
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "smk_<prefix>_<secret>",
                "description": "An API key of `POST /api/v1/keys/`; its scopes say what it may do.",
            },
            *({"type": "oauth2", "description": _APPLICATIONS, "flows": _FLOWS} for _ in _OAUTH),
        ]
