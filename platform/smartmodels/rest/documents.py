"""The OpenAPI document and the page that shows it; both are served from this host alone."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import resolve_url
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.response import Response

from smartmodels.rest.authentication import IdentityAuthentication
from smartmodels.rest.permissions import MembershipPermission
from smartmodels.rest.problems import problem_of, problem_response
from smartmodels.rest.views import ApiView

__all__ = ["DocsView", "SchemaView", "openapi_document"]


@cache
def openapi_document(urlconf: str, title: str, about: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the endpoints in ``urlconf``, made once per process."""
    generator: Any = SchemaGenerator(urlconf=urlconf)  # type: ignore[no-untyped-call]
    document: dict[str, Any] = generator.get_schema(request=None, public=True)
    document["info"].update(title=title, description=about)
    return document


class SchemaView(ApiView):
    """The OpenAPI document, as JSON unless YAML is asked for."""

    renderer_classes = (
        OpenApiJsonRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer,
        OpenApiYamlRenderer2,
    )
    http_method_names = ("get", "head")
    open_to_programs = True
    urlconf = ""
    title = ""
    about = ""

    @extend_schema(exclude=True)
    def get(self, request: Any) -> Response:
        """Return the document."""
        return Response(openapi_document(self.urlconf, self.title, self.about))


class DocsView(SpectacularSwaggerView):
    """The documentation page; whoever is not logged in is sent to log in."""

    authentication_classes = (IdentityAuthentication,)
    permission_classes = (MembershipPermission,)
    http_method_names = ("get", "head")  # OPTIONS would be rendered by a template that is not there
    url_name = "schema"

    def handle_exception(self, exc: Exception) -> Any:
        """Send somebody unknown to the login page; answer anything else as a problem."""
        if isinstance(exc, (NotAuthenticated, AuthenticationFailed)):
            return redirect_to_login(self.request.get_full_path(), resolve_url(settings.LOGIN_URL))
        problem = problem_of(exc)
        if problem is None:
            raise exc
        return problem_response(problem)
