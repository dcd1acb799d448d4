"""URLs of OAuth 2 on a namespace's host."""

from __future__ import annotations

from django.urls import path

from shared_apps.oauth.views import AuthoriseView, IntrospectView, IssueView, RevokeTokenView

urlpatterns = [
    path("authorize/", AuthoriseView.as_view(), name="oauth-authorize"),
    path("token/", IssueView.as_view(), name="oauth-token"),
    path("revoke/", RevokeTokenView.as_view(), name="oauth-revoke"),
    path("introspect/", IntrospectView.as_view(), name="oauth-introspect"),
]
