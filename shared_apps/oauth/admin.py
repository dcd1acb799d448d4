"""The applications of a namespace in its admin: registered and removed by its owner and admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.urls import path

from shared_apps.oauth.services import (
    GRANTS,
    applications_of,
    find_application,
    register_application,
    remove_application,
)
from smartmodels.admin import namespace_site
from smartmodels.admin.site_pages import SitePages
from smartmodels.exceptions import SmartModelsError
from smartmodels.rest.access.scoping import lists_here
from smartmodels.tenancy.keys import KeyRole
from smartmodels.tenancy.scopes import known_scopes

__all__ = ["ApplicationForm"]

_PER_PAGE = 50
_KINDS = ((GRANTS[0], "People let it in (authorization code)"), (GRANTS[1], "By itself (client credentials)"))


class ApplicationForm(forms.Form):
    """What an application is to be."""

    name = forms.CharField(max_length=100)
    scopes = forms.CharField(
        max_length=2000, initial="read", help_text="The most that it may ask for, such as studies:read."
    )
    grant = forms.ChoiceField(choices=_KINDS)
    redirect_uris = forms.CharField(
        required=False,
        max_length=5000,
        label="Sent back to",
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text="One address to a line, such as https://app.example.org/back.",
    )
    role = forms.ChoiceField(choices=KeyRole.choices, initial=KeyRole.MEMBER)
    public = forms.BooleanField(required=False, help_text="It can keep no secret: a page, an app on a phone.")

    def values(self) -> dict[str, Any]:
        """Return what is asked for; raise InvalidInput for a scope that there is not."""
        wish = dict(self.cleaned_data)
        wish["scopes"] = wish["scopes"].split()
        known_scopes(wish["scopes"], lists_here())
        return {**wish, "redirect_uris": wish["redirect_uris"].split()}


class _ApplicationPage(SitePages):
    """All applications; a POST registers one."""

    def __call__(self, request: Any) -> Any:
        self._require_manager(request)
        return self._register(request) if request.method == "POST" else self._page(request)

    def _page(self, request: Any, status: int = 200, **context: Any) -> Any:
        page_obj = Paginator(applications_of(request.namespace), _PER_PAGE).get_page(request.GET.get("p"))
        shown = {
            "title": "Applications", "form": ApplicationForm(), "page_obj": page_obj,
            "page_range": page_obj.paginator.get_elided_page_range(page_obj.number), **context,
        }  # fmt: skip
        return self._render(request, "oauth_applications", status, **shown)

    def _register(self, request: Any) -> Any:
        form = ApplicationForm(request.POST)
        if not form.is_valid():
            return self._page(request, 400, form=form)
        try:
            made, secret = register_application(request.namespace, request.user, **form.values())
        except SmartModelsError as error:
            field = error.details.get("field")
            form.add_error(field if field in form.fields else None, error.message)
            return self._page(request, error.status, form=form)
        return self._page(request, made=made, secret=secret)


class _RemovePage(SitePages):
    """Asks whether an application is to be removed; a POST does it."""

    def __call__(self, request: Any, client_id: str) -> Any:
        self._require_manager(request)
        if request.method == "POST":
            remove_application(request.namespace, client_id)
            return self._done(request, "Removed the application: its tokens ended with it.", "applications")
        found = find_application(request.namespace, client_id)
        return self._render(
            request, "oauth_application_remove", title="Remove an application", application=found
        )


def _urls(site: Any, wrap: Callable[..., Any]) -> list[Any]:
    return [
        path("applications/", wrap(_ApplicationPage(site)), name="applications"),
        path("applications/<str:client_id>/remove/", wrap(_RemovePage(site)), name="application_remove"),
    ]


namespace_site.add_pages(_urls, "applications", "Applications (OAuth)")
