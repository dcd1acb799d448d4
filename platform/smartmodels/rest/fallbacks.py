"""Errors outside of any endpoint: problems below ``/api/``, Django's pages elsewhere.

For URLconfs: ``handler400``, ``handler403``, ``handler404``, ``handler500`` and :func:`no_endpoint`.
"""

from __future__ import annotations

import sys
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
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
    """Answer a request for an address below ``/api/`` that does not exist."""
    return problem_response(Problem(404, "not-found", f"There is no such endpoint.{_hint(request)}"))


def _hint(request: HttpRequest) -> str:
    if request.path_info.endswith("/"):
        return ""
    try:
        found = resolve(request.path_info + "/", getattr(request, "urlconf", None))
    except Resolver404:
        return ""
    return "" if found.func is no_endpoint else " Addresses end with a slash: add one."
