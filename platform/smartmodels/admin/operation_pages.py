"""What was done in a namespace, operation by operation, and the ways to undo it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.apps import apps
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.timezone import localtime

from smartmodels.admin.listed_rows import listed
from smartmodels.admin.looking_back import BetweenForm, OperationsForm
from smartmodels.admin.rights import Rights
from smartmodels.admin.site_pages import SitePages, key_of
from smartmodels.admin.undoing import Undo, undo
from smartmodels.history import (
    InOperation,
    OperationSummary,
    Wanted,
    changes_of,
    list_operations,
    plan_revert_operation,
    plan_revert_user,
)
from smartmodels.showing.wording import actions_in_words, actor_in_words, moment_in_words

__all__ = ["operation_urls"]

_PER_PAGE = 50
_PAGES_MAX = 200
_ROWS_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class _One(Wanted):
    """The one operation of an id."""

    id: uuid.UUID | None = None

    @property
    def condition(self) -> Q:
        return Q(operation_id=self.id)


def in_words(summary: OperationSummary) -> tuple[str, str, str]:
    """Return what an operation did, to how many rows of each kind, and who did it."""
    rows = []
    for label, number in summary.rows.items():
        options = apps.get_model(label)._meta
        rows.append(f"{number} {options.verbose_name if number == 1 else options.verbose_name_plural}")
    who = actor_in_words(summary.actor_label, summary.actor_kind)
    return actions_in_words(summary.actions), ", ".join(rows), who


def _number(given: str | None) -> int:
    if given is None or not given.isascii() or not given.isdecimal():
        return 1
    return min(max(int(given[:6]), 1), _PAGES_MAX)


class _OperationPages(SitePages):
    def list(self, request: Any) -> TemplateResponse:
        """List operations, newest first."""
        form, number = OperationsForm(request.GET), _number(request.GET.get("p"))
        found: list[OperationSummary] = []
        if valid := form.is_valid():
            models, offset = Rights(request, self.site).models, (number - 1) * _PER_PAGE
            found = list_operations(form.wanted, limit=_PER_PAGE + 1, offset=offset, models=models)
        return self._render(
            request, "operations", 200 if valid else 400, title="Operations", form=form, number=number,
            operations=[(each, *in_words(each)) for each in found[:_PER_PAGE]],
            is_filtered=any(request.GET.get(name) for name in form.fields),
            before=number - 1, after=number + 1 if len(found) > _PER_PAGE and number < _PAGES_MAX else 0,
            is_last_page=number == _PAGES_MAX,
        )  # fmt: skip

    def _summary(self, rights: Rights, key: uuid.UUID) -> OperationSummary:
        found = list_operations(_One(id=key), limit=1, models=rights.models)
        if not found:
            raise Http404("There is no such operation here.")
        return found[0]

    def show(self, request: Any, operation_id: str) -> TemplateResponse:
        """Show what one operation changed."""
        rights, key = Rights(request, self.site), key_of(operation_id, "operation")
        summary = self._summary(rights, key)
        did, kinds, who = in_words(summary)
        touched = [model for model in rights.models if model._meta.label_lower in summary.rows]
        page_obj = Paginator(changes_of(InOperation(key), touched), _ROWS_PER_PAGE).get_page(
            request.GET.get("p")
        )
        since = f"{localtime(summary.began):%Y-%m-%dT%H:%M:%S}"
        return self._render(
            request, "operation", title="Operation", operation=summary, did=did, kinds=kinds, who=who,
            rows=listed(self.site, rights, list(page_obj.object_list)), page_obj=page_obj,
            page_range=page_obj.paginator.get_elided_page_range(page_obj.number), writes=rights.writes,
            since=since, is_long=moment_in_words(summary.began) != moment_in_words(summary.ended),
        )  # fmt: skip

    def undo(self, request: Any, operation_id: str) -> TemplateResponse:
        """Undo everything that one operation changed."""
        rights, key = Rights(request, self.site), key_of(operation_id, "operation")
        summary = self._summary(rights, key)
        did, kinds, who = in_words(summary)
        what = f"{did}: {kinds}, on {moment_in_words(summary.began)} by {who}."
        back = self._url("operation", key)
        planned = partial(plan_revert_operation, key)
        return undo(self.site, request, Undo("Undo an operation", what, back, planned, rights.writes))

    def between(self, request: Any) -> TemplateResponse:
        """Ask whose work is to be undone and from when on; then undo it."""
        form = BetweenForm(request.GET or None)
        if not form.is_valid():
            status = 400 if form.is_bound else 200
            return self._render(request, "between", status, title="Undo what somebody did", form=form)
        wanted, rights = form.wanted, Rights(request, self.site)
        since: Any = wanted.since
        end = "up to now" if wanted.until is None else f"before {moment_in_words(wanted.until)}"
        what = f"Everything that {form.name} did here from {moment_in_words(since)} on, {end}."
        planned = partial(plan_revert_user, wanted.user_id, since, wanted.until)
        back = self._url("between")
        return undo(self.site, request, Undo("Undo what somebody did", what, back, planned, rights.writes))


def operation_urls(site: Any, wrap: Callable[..., Any]) -> list[Any]:
    """Return the addresses of the pages; ``wrap`` guards a view as the site guards its own."""
    pages = _OperationPages(site)
    return [
        path("history/operations/", wrap(pages.list), name="operations"),
        path("history/operations/<str:operation_id>/", wrap(pages.show), name="operation"),
        path("history/operations/<str:operation_id>/undo/", wrap(pages.undo), name="operation_undo"),
        path("history/between/", wrap(pages.between), name="between"),
    ]
