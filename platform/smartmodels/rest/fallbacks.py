"""Errors outside of any endpoint: problems below ``/api/``, Django's pages elsewhere.

For URLconfs: ``handler400``, ``handler403``, ``handler404``, ``handler500`` and :func:`no_endpoint`.
"""

from __future__ import annotations

import sys
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from smartmodels.rest.problems import Problem, problem_of, problem_response, unexpected
from smartmodels.tenancy.middleware import refusal
from smartmodels.tenancy.outages import outage_of

__all__ = ["bad_request", "no_endpoint", "not_found", "permission_denied", "server_error"]


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.lstrip("/").startswith("api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a malformed request."""
    if _is_api(request):
        return problem_response(
            problem_of(exception) or Problem(400, "bad-request", "The request is malformed.")
        )
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that is not allowed."""
    if _is_api(request):
        return problem_response(Problem(403, "permission-denied", "You may not do this."))
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request for nothing."""
    return no_endpoint(request) if _is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer a request that failed, be it for want of the database; Django has logged why."""
    refused = outage_of(sys.exception())
    if refused is not None:
        return refusal(request, refused)
    return problem_response(unexpected()) if _is_api(request) else defaults.server_error(request)


@csrf_exempt
def no_endpoint(request: HttpRequest, **_: Any) -> HttpResponseBase:
    """Answer a request for an address below ``/api/`` that does not exist as it stands.

    One that lacks but its last slash is answered in place, as if it had it: a redirect loses bodies.
    """
    found = _with_slash(request)
    if found is None:
        return problem_response(Problem(404, "not-found", "There is no such endpoint."))
    request.path, request.path_info = f"{request.path}/", f"{request.path_info}/"
    request.resolver_match = found
    response: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
    return response


def _with_slash(request: HttpRequest) -> ResolverMatch | None:
    """Return the endpoint of the same address with a slash; None if there is none or it stands there."""
    if not _is_api(request) or request.path_info.endswith("/"):
        return None
    try:
        found = resolve(f"{request.path_info}/", getattr(request, "urlconf", None))
    except Resolver404:
        return None
    # Endpoints look after CSRF themselves, since Django did not for this view.
    is_endpoint = found.func is not no_endpoint and getattr(found.func, "csrf_exempt", False)
    return found if is_endpoint else None
