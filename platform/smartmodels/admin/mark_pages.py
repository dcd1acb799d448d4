"""Marks: moments of the namespace to come back to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path

from smartmodels.admin.rights import Rights
from smartmodels.admin.site_pages import SitePages
from smartmodels.admin.undoing import Undo, undo
from smartmodels.exceptions import InvalidInput, MarkExists
from smartmodels.history import all_marks, delete_mark, mark, plan_revert_mark
from smartmodels.showing.wording import moment_in_words

__all__ = ["mark_urls"]

_PER_PAGE = 50
_ID_MAX = 2**63 - 1


class MarkForm(forms.Form):
    """What a moment is to be called."""

    name = forms.CharField(
        max_length=200,
        help_text='Such as "before import".',
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    note = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"})
    )


class _MarkPages(SitePages):
    def _mark(self, number: int) -> Any:
        found = all_marks().filter(pk=number).first() if number <= _ID_MAX else None
        if found is None:
            raise Http404("There is no such mark here.")
        return found

    def list(self, request: Any) -> Any:
        """List marks, newest first; a POST sets one."""
        rights, form, status = Rights(request, self.site), MarkForm(), 200
        if request.method == "POST":
            if not rights.manages:
                raise PermissionDenied
            form = MarkForm(request.POST)
            status = self._set(request, form)
            if status == 302:
                return HttpResponseRedirect(self._url("marks"))
        page_obj = Paginator(all_marks(), _PER_PAGE).get_page(request.GET.get("p"))
        return self._render(
            request, "marks", status, title="Marks", form=form, page_obj=page_obj, manages=rights.manages,
            page_range=page_obj.paginator.get_elided_page_range(page_obj.number),
        )  # fmt: skip

    @staticmethod
    def _set(request: Any, form: MarkForm) -> int:
        """Set the mark; return the status of the answer."""
        if not form.is_valid():
            return 400
        try:
            made = mark(form.cleaned_data["name"], form.cleaned_data["note"])
        except (InvalidInput, MarkExists) as error:
            form.add_error("name", error.message)
            return error.status
        messages.success(request, f"Marked this moment: {made.name}.")
        return 302

    def undo(self, request: Any, number: int) -> TemplateResponse:
        """Undo everything that happened since a mark."""
        rights, found = Rights(request, self.site), self._mark(number)
        what = f"Everything that anybody did here since the mark {found.name!r}, {moment_in_words(found.at)}."
        planned = partial(plan_revert_mark, found)
        return undo(
            self.site, request, Undo("Back to a mark", what, self._url("marks"), planned, rights.manages)
        )

    def remove(self, request: Any, number: int) -> Any:
        """Ask whether a mark is to be forgotten; a POST does it."""
        if not Rights(request, self.site).manages:
            raise PermissionDenied
        found = self._mark(number)
        if request.method == "POST":
            delete_mark(found.name)
            messages.success(request, f"Removed the mark: {found.name}.")
            return HttpResponseRedirect(self._url("marks"))
        return self._render(request, "mark_remove", title="Remove a mark", mark=found)


def mark_urls(site: Any, wrap: Callable[..., Any]) -> list[Any]:
    """Return the addresses of the pages; ``wrap`` guards a view as the site guards its own."""
    pages = _MarkPages(site)
    return [
        path("history/marks/", wrap(pages.list), name="marks"),
        path("history/marks/<int:number>/undo/", wrap(pages.undo), name="mark_undo"),
        path("history/marks/<int:number>/remove/", wrap(pages.remove), name="mark_remove"),
    ]
