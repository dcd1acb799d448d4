"""The OpenAPI document and the pages that show it; all are served from this host alone."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import get_urlconf, set_urlconf
from django.utils.cache import get_conditional_response
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.views import APIView

from smartmodels.rest.authentication import IdentityAuthentication
from smartmodels.rest.choices import named_choices
from smartmodels.rest.permissions import MembershipPermission
from smartmodels.rest.problems import Problem, Refused, problem_of, problem_response
from smartmodels.rest.views import ApiView

__all__ = ["DocsView", "RedocView", "SchemaView", "openapi_document"]

_FROM_HERE = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@cache
def openapi_document(urlconf: str, title: str, about: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the endpoints in ``urlconf``, made once per process."""
    generator: Any = SchemaGenerator(urlconf=urlconf)  # type: ignore[no-untyped-call]
    around = get_urlconf()
    set_urlconf(urlconf)
    try:
        with named_choices():
            document: dict[str, Any] = generator.get_schema(request=None, public=True)
    finally:
        set_urlconf(around)
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
    def get(self, request: Any) -> HttpResponseBase:
        """Return the document; 304 to whoever has it."""
        renderer = request.accepted_renderer
        kind: Any = type(renderer)
        content, tag = _rendered(kind, self.urlconf, self.title, self.about)
        whole = HttpResponse(content, content_type=renderer.media_type)
        whole["ETag"], whole["Cache-Control"] = tag, "private, no-cache"
        answer: Any = get_conditional_response(request, etag=tag, response=whole)
        if answer.status_code == 412:
            raise Refused(Problem(412, "precondition-failed", "The document is another one: read it anew."))
        return cast(HttpResponseBase, answer)


@cache
def _rendered(renderer: Any, urlconf: str, title: str, about: str) -> tuple[bytes, str]:
    """Return the document in one form, with its strong ETag."""
    content: bytes = renderer().render(openapi_document(urlconf, title, about), renderer_context={})
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


class _DocsPage(APIView):
    """A documentation page: who is not logged in is sent to log in, and nothing is loaded from elsewhere."""

    authentication_classes = (IdentityAuthentication,)
    permission_classes = (MembershipPermission,)
    http_method_names = ("get", "head")  # OPTIONS would be rendered by a template that is not there
    url_name = "schema"

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Forbid the browser to load anything from elsewhere."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Content-Security-Policy"] = _FROM_HERE
        return answer

    def handle_exception(self, exc: Exception) -> Any:
        """Send somebody unknown to the login page; answer anything else as a problem."""
        if isinstance(exc, (NotAuthenticated, AuthenticationFailed)):
            return redirect_to_login(self.request.get_full_path(), resolve_url(settings.LOGIN_URL))
        problem = problem_of(exc)
        if problem is None:
            raise exc
        return problem_response(problem)


class DocsView(_DocsPage, SpectacularSwaggerView):
    """Swagger UI: every endpoint, with a form to try it."""


class RedocView(_DocsPage, SpectacularRedocView):
    """Redoc: every endpoint, to read."""

    template_name = "smartmodels/redoc.html"
