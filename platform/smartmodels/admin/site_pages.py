"""What the pages of a site have in common that are about no single model."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import reverse

__all__ = ["SitePages", "key_of"]


def key_of(given: str, what: str) -> uuid.UUID:
    """Return the key in an address; raise Http404 for what cannot be the key of a ``what``."""
    try:
        return uuid.UUID(given)
    except ValueError as error:
        raise Http404(f"There is no such {what} here.") from error


class SitePages:
    """Pages of one site, which look like its others."""

    def __init__(self, site: Any) -> None:
        self.site = site

    def _render(self, request: Any, page: str, status: int = 200, **context: Any) -> TemplateResponse:
        request.current_app = self.site.name
        everywhere = {**self.site.each_context(request), **context}
        return TemplateResponse(request, f"smartmodels/admin/{page}.html", everywhere, status=status)

    def _url(self, name: str, *args: Any) -> str:
        return reverse(f"admin:{name}", args=args, current_app=self.site.name)
