"""The endpoints of OAuth 2 on a namespace's host."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import JsonResponse
from oauth2_provider.models import get_access_token_model
from oauth2_provider.views import AuthorizationView, IntrospectTokenView, RevokeTokenView, TokenView

from shared_apps.oauth.validating import GRANTS
from smartmodels.context import require_namespace

__all__ = ["AuthoriseView", "IntrospectView", "IssueView", "RevokeTokenView"]


class AuthoriseView(AuthorizationView):
    """Ask a member whether an application may act for them; whoever is not logged in does so first."""

    template_name = "oauth/authorise.html"


class IssueView(TokenView):
    """Issue tokens by the grants that are offered, and by no other."""

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Issue a token, or say which grants there are."""
        if request.POST.get("grant_type") not in GRANTS:
            return JsonResponse({"error": "unsupported_grant_type"}, status=400)
        return super().post(request, *args, **kwargs)


class IntrospectView(IntrospectTokenView):
    """Tell an application about a token of this namespace; those of others are unknown, as is nonsense."""

    http_method_names = ("post",)  # tokens have no place in addresses

    @staticmethod
    def get_token_response(token_value: str | None = None) -> JsonResponse:
        """Describe the token, if it was issued in this namespace."""
        checksum = hashlib.sha256((token_value or "").encode("utf-8", "replace")).hexdigest()
        tokens = get_access_token_model().objects.filter(application__namespace_id=require_namespace().pk)
        if token_value is not None and not tokens.filter(token_checksum=checksum).exists():
            return JsonResponse({"active": False})
        response: JsonResponse = IntrospectTokenView.get_token_response(token_value)
        return response
