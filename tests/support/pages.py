"""A URLconf of small pages for the tests of routing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from smartmodels.context import current_namespace
from tenant_apps.research.models import Study


def _codes() -> Any:
    return Study.objects.order_by("code").values_list("code", flat=True)


def codes(request: HttpRequest) -> HttpResponse:
    """The studies of the namespace."""
    return JsonResponse({"codes": list(_codes())})


def who(request: HttpRequest) -> HttpResponse:
    """Which namespace and which user the request has."""
    namespace = current_namespace()
    slug = None if namespace is None else namespace.slug
    return JsonResponse({"namespace": slug, "user": getattr(request.user, "email", None)})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """The studies, read one by one while the response is sent."""

    def lines() -> Iterator[str]:
        for code in _codes():
            yield f"{code}\n"

    return StreamingHttpResponse(lines())


async def async_codes(request: HttpRequest) -> HttpResponse:
    """The studies, read with other requests in between."""
    found = []
    async for code in _codes():
        found.append(code)
        await asyncio.sleep(0)
    return JsonResponse({"codes": found})


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    """The studies, read while an asynchronous response is sent."""

    async def lines() -> AsyncIterator[str]:
        async for code in _codes():
            await asyncio.sleep(0)
            yield f"{code}\n"

    return StreamingHttpResponse(lines())


def remember(request: HttpRequest) -> HttpResponse:
    """What the cache held under one key before this request put the namespace's name there."""
    namespace = current_namespace()
    before = cache.get("name")
    cache.set("name", getattr(namespace, "slug", "public"))
    return JsonResponse({"before": before})


urlpatterns = [
    path("codes/", codes),
    path("who/", who),
    path("stream/", stream),
    path("async-codes/", async_codes),
    path("async-stream/", async_stream),
    path("remember/", remember),
]
