"""Who and what else may come in: API keys, and web pages of other origins, for the namespace's managers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from smartmodels.admin.permissions import role_of
from smartmodels.exceptions import SmartModelsError
from smartmodels.tenancy import life
from smartmodels.tenancy.keys import KeyRole
from smartmodels.tenancy.models import Role, get_namespace_model

__all__ = ["access_urls"]

_PER_PAGE = 50
_OVERLAP = timedelta(hours=24)


class KeyForm(forms.Form):
    """What a key is to be."""

    name = forms.CharField(max_length=100, help_text="What it is for.")
    scopes = forms.CharField(
        max_length=2000, initial="read", help_text="Such as <code>studies:read specimens:write</code>."
    )
    role = forms.ChoiceField(choices=KeyRole.choices, initial=KeyRole.MEMBER)
    days = forms.IntegerField(
        required=False, min_value=1, max_value=3650, help_text="Expires after so many; empty: never."
    )


class OriginsForm(forms.Form):
    """Which web pages may call the API."""

    origins = forms.CharField(
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text="One to a line, such as https://app.example.org.",
    )


def _stored(request: Any) -> Any:
    return get_namespace_model().objects.get(pk=request.namespace.pk)


class _AccessPage:
    def __init__(self, site: Any) -> None:
        self.site = site

    def __call__(self, request: Any) -> Any:
        """Show keys and origins; a POST changes one of them."""
        role = role_of(request)
        if role is None or not Role(role).manages:
            raise PermissionDenied
        if request.method != "POST":
            return self._page(request)
        deeds = {"make": self._make, "rotate": self._rotate, "revoke": self._revoke, "origins": self._origins}
        deed = deeds.get(request.POST.get("do", ""))
        if deed is None:
            return self._page(request, status=400)
        return deed(request)

    def _page(self, request: Any, *, status: int = 200, **context: Any) -> TemplateResponse:
        page_obj = Paginator(life.keys_of(request.namespace), _PER_PAGE).get_page(request.GET.get("p"))
        now = timezone.now()
        rows = [(key, key.state_at(now), key.maker_id == request.user.pk) for key in page_obj.object_list]
        origins = OriginsForm(initial={"origins": "\n".join(_stored(request).cors_origins)})
        forms_shown = {"form": KeyForm(), "origins": origins, **context}
        request.current_app = self.site.name
        everywhere = {
            **self.site.each_context(request), "title": "API access", "rows": rows, "page_obj": page_obj,
            "page_range": page_obj.paginator.get_elided_page_range(page_obj.number), **forms_shown,
        }  # fmt: skip
        return TemplateResponse(request, "smartmodels/admin/access.html", everywhere, status=status)

    def _done(self, request: Any, text: str) -> HttpResponseRedirect:
        messages.success(request, text)
        return HttpResponseRedirect(reverse("admin:access", current_app=self.site.name))

    def _make(self, request: Any) -> Any:
        form = KeyForm(request.POST)
        if not form.is_valid():
            return self._page(request, form=form, status=400)
        wish = form.cleaned_data
        ends = timezone.now() + timedelta(days=wish["days"]) if wish["days"] else None
        try:
            key, secret = life.make_key(
                request.namespace, request.user, name=wish["name"], scopes=wish["scopes"].split(),
                role=wish["role"], expires_at=ends,
            )  # fmt: skip
        except SmartModelsError as error:
            form.add_error(
                error.details.get("field") if error.details.get("field") in wish else None, error.message
            )
            return self._page(request, form=form, status=error.status)
        return self._page(request, made=key, secret=secret)

    def _rotate(self, request: Any) -> Any:
        key = life.find_key(request.namespace, request.POST.get("key", ""))
        made, secret = life.rotate_key(request.namespace, key, request.user, overlap=_OVERLAP)
        return self._page(request, made=made, secret=secret)

    def _revoke(self, request: Any) -> Any:
        key = life.find_key(request.namespace, request.POST.get("key", ""))
        return self._done(request, f"Revoked the key: {life.revoke_key(request.namespace, key)}.")

    def _origins(self, request: Any) -> Any:
        form = OriginsForm(request.POST)
        if not form.is_valid():
            return self._page(request, origins=form, status=400)
        try:
            life.set_origins(_stored(request), form.cleaned_data["origins"].split())
        except SmartModelsError as error:
            form.add_error("origins", error.message)
            return self._page(request, origins=form, status=error.status)
        return self._done(request, "Saved which pages may call the API.")


def access_urls(site: Any, wrap: Callable[..., Any]) -> list[Any]:
    """Return the address of the page; ``wrap`` guards a view as the site guards its own."""
    return [path("access/", wrap(_AccessPage(site)), name="access")]
