"""What is done for applications in the background."""

from __future__ import annotations

from oauth2_provider.models import clear_expired

from smartmodels.jobs import job

__all__ = ["forget_tokens"]


@job("oauth.forget_tokens", every="43 4 * * *")
def forget_tokens() -> None:
    """Remove tokens and codes that are over."""
    clear_expired()
