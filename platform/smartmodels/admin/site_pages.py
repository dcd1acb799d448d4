"""What the pages of a site have in common that are about no single model."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from smartmodels.admin.permissions import role_of
from smartmodels.tenancy.models import Role

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

    def _require_manager(self, request: Any) -> None:
        """Admit owners and admins of the namespace alone; raise PermissionDenied."""
        role = role_of(request)
        if role is None or not Role(role).manages:
            raise PermissionDenied

    def _render(self, request: Any, page: str, status: int = 200, **context: Any) -> TemplateResponse:
        request.current_app = self.site.name
        everywhere = {**self.site.each_context(request), **context}
        return TemplateResponse(request, f"smartmodels/admin/{page}.html", everywhere, status=status)

    def _url(self, name: str, *args: Any) -> str:
        return reverse(f"admin:{name}", args=args, current_app=self.site.name)

    def _done(self, request: Any, text: str, name: str, *args: Any) -> HttpResponseRedirect:
        """Say what was done, and go on to a page."""
        messages.success(request, text)
        return HttpResponseRedirect(self._url(name, *args))
