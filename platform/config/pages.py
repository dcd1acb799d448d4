"""The front page of each host."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from smartmodels.context import require_namespace
from smartmodels.views import page_lists

__all__ = ["namespace_home", "public_home"]


@require_safe
def namespace_home(request: HttpRequest) -> HttpResponse:
    """Show what this namespace is and where to go from here."""
    lists = page_lists() if request.user.is_authenticated else []
    return render(request, "config/namespace_home.html", {"namespace": require_namespace(), "lists": lists})


@require_safe
def public_home(request: HttpRequest) -> HttpResponse:
    """Show what this site is and where staff goes from here."""
    return render(request, "config/public_home.html")
