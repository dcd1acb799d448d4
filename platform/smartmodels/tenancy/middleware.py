"""Bind the namespace of the request's host for as long as the request takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings as django_settings
from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string

from smartmodels.context import namespace_scope, working
from smartmodels.exceptions import SmartModelsError
from smartmodels.tenancy.errors import HostMoved
from smartmodels.tenancy.outages import outage_of
from smartmodels.tenancy.routing import closed_for, known_namespace, namespace_for_host, require_known
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
        problem = {
            "type": "about:blank", "title": HTTPStatus(error.status).phrase, "status": error.status,
            "code": error.code, "detail": error.message,
        }  # fmt: skip
        response = JsonResponse(problem, status=error.status, content_type="application/problem+json")
    response["Cache-Control"] = "no-store"  # What is not there, or not here, may be in a moment.
    if (seconds := error.details.get("retry_after")) is not None:
        response["Retry-After"] = str(seconds)
    return response


_WORK = "request"


def moved(request: HttpRequest, error: HostMoved) -> HttpResponse:
    """Return the redirect to the same address on the host that the namespace has now."""
    _, colon, port = request.get_host().rpartition(":")
    host = f"{error.details['host']}{colon + port if port.isdigit() else ''}"
    # Other methods than these are to be repeated as they are, with their body.
    status = 301 if request.method in ("GET", "HEAD") else error.status
    response = HttpResponse(status=status)
    response["Location"] = f"{request.scheme}://{host}{request.get_full_path()}"
    response["Cache-Control"] = "no-store"
    return response


def _answer(request: HttpRequest, error: SmartModelsError) -> HttpResponse:
    return moved(request, error) if isinstance(error, HostMoved) else refusal(request, error)


def _is_for_all(view: Any) -> bool:
    """Tell whether the view is one by which staff log in, and so is there for who is nobody yet."""
    return bool(getattr(getattr(view, "cls", view), "opens_for_staff", False))


class NamespaceMiddleware:
    """Host -> namespace -> scope. Stands first: nothing may run before the namespace is known.

    ``request.namespace`` is the namespace, or None on the public host, where ``PUBLIC_URLCONF`` holds.
    Unknown hosts answer 404, former ones redirect, namespaces with too many requests under way answer 429.
    A suspended namespace and one under maintenance answer 503, whatever comes of the request, unless its
    view was reached: that takes ``request.is_staff``, which is settled by the middleware that
    authenticates, or a view with ``opens_for_staff``. Where nothing settles it nobody passes.
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
                return _answer(request, error)
            with namespace_scope(namespace):
                try:
                    response = cast(HttpResponseBase, self.get_response(request))
                except BaseException:
                    place.leave()
                    raise
                response = self._unless_closed(request, response)
            return self._until_sent(response, namespace, place)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        with working(_WORK):
            try:
                namespace = await sync_to_async(self._route)(request)
                place = take_place(namespace)
            except SmartModelsError as error:
                return _answer(request, error)
            with namespace_scope(namespace):
                try:
                    response = cast(HttpResponseBase, await self.get_response(request))
                except BaseException:
                    place.leave()
                    raise
                response = self._unless_closed(request, response)
            return self._until_sent(response, namespace, place)

    @staticmethod
    def _until_sent(response: HttpResponseBase, namespace: Any, place: Place) -> HttpResponseBase:
        """Keep the place until all is sent, and bind everything again for each chunk of a stream."""
        place.hold_until_sent(response)
        if not response.streaming:
            return response
        return keep_bound(keep_bound(response, partial(namespace_scope, namespace)), partial(working, _WORK))

    def process_view(self, request: Any, view: Any, *_: Any) -> HttpResponse | None:
        """Let staff pass, and who may be about to become staff; refuse everybody else."""
        closed, request.closed_because = request.closed_because, None
        if closed is None or _is_for_all(view) or getattr(request, "is_staff", False):
            return None
        return refusal(request, closed)

    @staticmethod
    def _unless_closed(request: Any, response: Any) -> Any:
        """Replace what was answered before any view was reached, such as that there is no such page.

        Style sheets are the platform's, the same for all, and pages for staff need them.
        """
        if request.closed_because is None or request.path_info.startswith(django_settings.STATIC_URL):
            return response
        for close in response._resource_closers:  # close() would say that the request has ended
            close()
        return refusal(request, request.closed_because)

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
        request.closed_because = None  # type: ignore[attr-defined]
        if namespace is None:
            request.urlconf = django_settings.PUBLIC_URLCONF
        else:
            require_known(namespace)
            request.closed_because = closed_for(namespace)  # type: ignore[attr-defined]
        return namespace
