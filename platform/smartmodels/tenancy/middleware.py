"""Bind the namespace of the request's host for as long as the request takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings as django_settings
from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string

from smartmodels.context import namespace_scope, working
from smartmodels.exceptions import SmartModelsError
from smartmodels.tenancy.outages import outage_of
from smartmodels.tenancy.routing import known_namespace, namespace_for_host, require_served
from smartmodels.tenancy.streams import keep_bound
from smartmodels.tenancy.turnstile import Place, take_place

__all__ = ["NamespaceMiddleware", "refusal"]


def refusal(request: HttpRequest, error: SmartModelsError) -> HttpResponse:
    """Return the page, or for programs the problem document (RFC 9457), that says why nothing is served."""
    accept = request.headers.get("Accept", "")
    if "text/html" in accept and not request.path_info.startswith("/api/"):
        page = render_to_string("smartmodels/refusal.html", {"error": error})
        response = HttpResponse(page, status=error.status)
    else:
        problem = {"type": "about:blank", "title": error.code, "status": error.status, "code": error.code,
                   "detail": error.message}  # fmt: skip
        response = JsonResponse(problem, status=error.status, content_type="application/problem+json")
    if (seconds := error.details.get("retry_after")) is not None:
        response["Retry-After"] = str(seconds)
    return response


_WORK = "request"


class NamespaceMiddleware:
    """Host -> namespace -> scope. Stands first: nothing may run before the namespace is known.

    ``request.namespace`` is the namespace, or None on the public host, where ``PUBLIC_URLCONF`` holds.
    Unknown hosts answer 404, namespaces that are not active 503, those with too many requests under way 429.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._async:
            return self._acall(request)
        with working(_WORK):
            try:
                namespace = self._route(request)
                place = take_place(namespace)
            except SmartModelsError as error:
                return refusal(request, error)
            with namespace_scope(namespace):
                try:
                    response = cast(HttpResponseBase, self.get_response(request))
                except BaseException:
                    place.leave()
                    raise
            return self._until_sent(response, namespace, place)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        with working(_WORK):
            try:
                namespace = await sync_to_async(self._route)(request)
                place = take_place(namespace)
            except SmartModelsError as error:
                return refusal(request, error)
            with namespace_scope(namespace):
                try:
                    response = cast(HttpResponseBase, await self.get_response(request))
                except BaseException:
                    place.leave()
                    raise
            return self._until_sent(response, namespace, place)

    @staticmethod
    def _until_sent(response: HttpResponseBase, namespace: Any, place: Place) -> HttpResponseBase:
        """Keep the place until all is sent, and bind everything again for each chunk of a stream."""
        place.hold_until_sent(response)
        if not response.streaming:
            return response
        return keep_bound(keep_bound(response, partial(namespace_scope, namespace)), partial(working, _WORK))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a view that lost the database; anything else is an error like any other."""
        refused = outage_of(exception)
        return None if refused is None else refusal(request, refused)

    @staticmethod
    def _route(request: HttpRequest) -> Any:
        try:
            # A host that is known was checked by get_host() when it was met first.
            written: str = request._get_raw_host()  # type: ignore[attr-defined] # not in its stubs
            namespace = known_namespace(written) or namespace_for_host(request.get_host())
        except DatabaseTrouble as error:
            refused = outage_of(error)
            if refused is None:
                raise
            raise refused from error
        request.namespace = namespace  # type: ignore[attr-defined]
        if namespace is None:
            request.urlconf = django_settings.PUBLIC_URLCONF
        else:
            require_served(namespace)
        return namespace
