"""URLs of a namespace's host."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path
from django.utils.module_loading import import_string

from config.pages import namespace_home
from shared_apps.accounts.keys.viewsets import KeyViewSet
from shared_apps.accounts.viewsets import TokenView
from shared_apps.namespaces.closing.viewsets import OwnAccountView
from shared_apps.namespaces.viewsets.origins import OriginsView
from shared_apps.operations.viewsets import NamespaceJobViewSet
from shared_apps.sharing.viewsets import GrantViewSet, SharingPolicyView
from shared_apps.webhooks.viewsets import WebhookViewSet
from smartmodels.admin import namespace_site
from smartmodels.rest.urls import namespace_api
from smartmodels.views import app_pages
from smartmodels.views.uploads import UploadView

_APPLICATIONS = "shared_apps.oauth.viewsets.ApplicationViewSet"

urlpatterns: list[object] = [
    path("", namespace_home, name="home"),
    path("admin/", namespace_site.urls),
    *([path("oauth/", include("shared_apps.oauth.urls"))] if settings.OAUTH else []),
    *namespace_api(
        __name__,
        {
            "grants": GrantViewSet,
            "jobs": NamespaceJobViewSet,
            "keys": KeyViewSet,
            "webhooks": WebhookViewSet,
            **({"applications": import_string(_APPLICATIONS)} if settings.OAUTH else {}),
        },
        path("sharing-policy/", SharingPolicyView.as_view(), name="sharing-policy"),
        path("origins/", OriginsView.as_view(), name="origins"),
        path("account/", OwnAccountView.as_view(), name="account"),
        path("token/", TokenView.as_view(), name="token"),
    ),
    path("media/<path:name>", UploadView.as_view(), name="upload"),
    *app_pages(),
]

handler400 = "smartmodels.rest.fallbacks.bad_request"
handler403 = "smartmodels.rest.fallbacks.permission_denied"
handler404 = "smartmodels.rest.fallbacks.not_found"
handler500 = "smartmodels.rest.fallbacks.server_error"
