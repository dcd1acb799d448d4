"""The app, and how its tokens are recognised."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["OAuthConfig"]


class OAuthConfig(AppConfig):
    """Installed by the settings where the extra ``oauth`` is."""

    name = "shared_apps.oauth"
    label = "oauth"

    def ready(self) -> None:
        """Let the middleware know whom an access token stands for."""
        from shared_apps.namespaces.identity import read_secrets  # noqa: PLC0415 - apps are ready only now
        from shared_apps.oauth.tokens import ACCESS, identity_of_access_token  # noqa: PLC0415

        read_secrets(ACCESS, identity_of_access_token)
