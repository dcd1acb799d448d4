"""What is asked beyond django-oauth-toolkit before a token is issued."""

from __future__ import annotations

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from shared_apps.namespaces.identity import membership_of

__all__ = ["GRANTS", "NamespaceValidator"]

GRANTS = ("authorization_code", "client_credentials", "refresh_token")
"""The grants that are offered."""


def _is_member(user: Any) -> bool:
    return user is not None and user.is_active and membership_of(user) is not None


class NamespaceValidator(OAuth2Validator):
    """Tokens are for members, as long as they are members, and by three grants only."""

    def validate_grant_type(self, client_id: Any, grant_type: Any, client: Any, request: Any, *args: Any,
                            **kwargs: Any) -> bool:  # fmt: skip
        """Refuse passwords, devices and anything implicit; a program of its own needs its maker."""
        if grant_type not in GRANTS:
            return False
        if grant_type == "client_credentials" and not _is_member(client.user):
            return False
        return bool(super().validate_grant_type(client_id, grant_type, client, request, *args, **kwargs))

    def validate_code(
        self, client_id: Any, code: Any, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Refuse a code of somebody who is no member any more."""
        good = super().validate_code(client_id, code, client, request, *args, **kwargs)
        return bool(good and _is_member(request.user))

    def validate_refresh_token(
        self, refresh_token: Any, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Refuse a token of somebody who is no member any more."""
        good = super().validate_refresh_token(refresh_token, client, request, *args, **kwargs)
        return bool(good and _is_member(request.user))
