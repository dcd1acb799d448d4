"""URLs of a namespace's host."""

from __future__ import annotations

from django.urls import path

from config.pages import namespace_home
from shared_apps.accounts.viewsets import TokenView
from shared_apps.namespaces.closing.viewsets import OwnAccountView
from shared_apps.operations.viewsets import NamespaceJobViewSet
from shared_apps.sharing.viewsets import GrantViewSet
from shared_apps.webhooks.viewsets import WebhookViewSet
from smartmodels.admin import namespace_site
from smartmodels.rest.urls import namespace_api

urlpatterns: list[object] = [
    path("", namespace_home, name="home"),
    path("admin/", namespace_site.urls),
    *namespace_api(
        __name__,
        {"grants": GrantViewSet, "jobs": NamespaceJobViewSet, "webhooks": WebhookViewSet},
        path("account/", OwnAccountView.as_view(), name="account"),
        path("token/", TokenView.as_view(), name="token"),
    ),
]

handler400 = "smartmodels.rest.fallbacks.bad_request"
handler403 = "smartmodels.rest.fallbacks.permission_denied"
handler404 = "smartmodels.rest.fallbacks.not_found"
handler500 = "smartmodels.rest.fallbacks.server_error"
