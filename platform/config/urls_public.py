"""URLs of the public host."""

from __future__ import annotations

from django.urls import include, path

from config.pages import public_home
from shared_apps.accounts.viewsets import TokenView
from shared_apps.namespaces.closing.viewsets import AccountViewSet, OwnAccountView
from shared_apps.namespaces.viewsets import MigrationRunViewSet, NamespaceViewSet
from shared_apps.operations.viewsets import AuditViewSet, JobViewSet
from smartmodels.admin import staff_site
from smartmodels.rest.urls import public_api

urlpatterns: list[object] = [
    path("", public_home, name="home"),
    path("admin/", staff_site.urls),
    path("reports/", include("shared_apps.reporting.urls")),
    *public_api(
        __name__,
        {
            "accounts": AccountViewSet,
            "audit": AuditViewSet,
            "jobs": JobViewSet,
            "migration-runs": MigrationRunViewSet,
            "namespaces": NamespaceViewSet,
        },
        path("account/", OwnAccountView.as_view(), name="account"),
        path("token/", TokenView.as_view(), name="token"),
    ),
]

handler400 = "smartmodels.rest.fallbacks.bad_request"
handler403 = "smartmodels.rest.fallbacks.permission_denied"
handler404 = "smartmodels.rest.fallbacks.not_found"
handler500 = "smartmodels.rest.fallbacks.server_error"
