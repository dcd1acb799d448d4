"""DRF's view of who asks, which the middleware has settled already."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied

__all__ = ["IdentityAuthentication"]


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
    name = ["token", "session", "key"]  # noqa: RUF012 - the base class says how it is read

    def get_security_requirement(self, auto_schema: Any) -> Any:
        return [{name: []} for name in self.name]

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
        ]
