"""DRF's view of who asks, which the middleware has settled already."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication

__all__ = ["IdentityAuthentication"]


class IdentityAuthentication(SessionAuthentication):
    """Take the user from the request; a session must also send the CSRF token with every write."""

    def authenticate(self, request: Any) -> Any:
        """Return (user, how), or None for an anonymous request."""
        django_request = request._request
        if not django_request.user.is_authenticated or not django_request.user.is_active:
            return None
        if django_request.authenticated_by == "session":
            self.enforce_csrf(request)
        return django_request.user, django_request.authenticated_by

    def authenticate_header(self, request: Any) -> str:
        """Return the challenge that turns a refusal into 401."""
        return 'Token realm="api"'


class IdentityScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes it."""

    target_class = IdentityAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Authorization",
                "description": "`Token <secret>`, from `POST /api/v1/token/` on this host."}  # fmt: skip
