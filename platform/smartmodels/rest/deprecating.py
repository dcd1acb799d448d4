"""Endpoints that will go away say so: ``Deprecation`` (RFC 9745) and ``Sunset`` (RFC 8594)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.http import http_date

__all__ = ["Deprecation", "announce"]


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when an endpoint is deprecated, when it goes away, and where it says what to use instead.

    Of a whole viewset, or of one action::

        class OldStudies(ResourceViewSet):
            model = Study
            serializer_class = derive_serializer(Study)
            deprecated = Deprecation(since=datetime(2026, 1, 1, tzinfo=UTC), link="/docs/new/")

        class Studies(ResourceViewSet):
            model = Study
            serializer_class = derive_serializer(Study)

            @action(detail=False, deprecated=Deprecation(since=datetime(2026, 1, 1, tzinfo=UTC)))
            def codes(self, request):
                return Response([])

    Its answers carry the headers, and the OpenAPI document says ``deprecated: true``. Raises
    ImproperlyConfigured for a moment without a time zone, and for a sunset before the deprecation.
    """

    since: datetime
    sunset: datetime | None = None
    link: str | None = None

    def __post_init__(self) -> None:
        for moment in (self.since, self.sunset):
            if moment is not None and moment.tzinfo is None:
                raise ImproperlyConfigured(f"{moment} has no time zone: write datetime(..., tzinfo=UTC).")
        if self.sunset is not None and self.sunset < self.since:
            raise ImproperlyConfigured(
                "What goes away before it is deprecated is gone: correct one of the two."
            )
        if self.link is not None and set(self.link) & set('<>"\r\n'):
            raise ImproperlyConfigured(f"{self.link!r} is no address for a Link header.")

    def headers(self) -> dict[str, str]:
        """Return the headers of every answer."""
        found = {"Deprecation": f"@{int(self.since.timestamp())}"}
        if self.sunset is not None:
            found["Sunset"] = http_date(self.sunset.astimezone(UTC).timestamp())
        if self.link is not None:
            found["Link"] = f'<{self.link}>; rel="deprecation"; type="text/html"'
        return found


def announce(response: Any, deprecated: Deprecation | None) -> None:
    """Put the headers of a deprecated endpoint on its answer, beside other links it has."""
    for name, value in deprecated.headers().items() if deprecated is not None else ():
        before = response.get("Link", "") if name == "Link" else ""
        response[name] = f"{before}, {value}" if before else value
