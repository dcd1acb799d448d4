"""The history of a row: its versions, what differs between two of them, and the way back to one."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

from smartmodels.admin.forms import RevertForm
from smartmodels.admin.permissions import RowPermissions
from smartmodels.admin.restoring import bring_back, foreign_in_words, foresee
from smartmodels.admin.rights import Rights
from smartmodels.exceptions import RevertConflict, SmartModelsError
from smartmodels.history import (
    FieldChange,
    RevertPlan,
    apply_revert,
    diff,
    plan_revert,
    revertible_fields,
    timeline,
    tracked_links,
    version_of,
    with_changes,
)
from smartmodels.querysets import owned
from smartmodels.showing.forms import ReasonForm
from smartmodels.showing.naming import Names
from smartmodels.showing.values import shown, want_names, worth_telling
from smartmodels.showing.wording import action_in_words

__all__ = ["HistoryPages"]

_FOLDER = "smartmodels/admin"


def _text(value: Any) -> str:
    """Return a shown value as text: without our own markup, and with that of people."""
    return strip_tags(value) if isinstance(value, SafeString) else str(value)


class HistoryPages(RowPermissions):
    """Pages of django-simple-history's admin, at its addresses, on our own timeline and revert.

    Nothing that is posted becomes a value of the row: a revert takes the version's values, after asking
    whether the member may change this very row. The stock admin saves whatever a viewer posts here.
    """

    history_list_per_page = 100

    def get_urls(self) -> Any:
        """Return the addresses of these pages, before those of django-simple-history and Django."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = (
            ("<path:object_id>/history/compare/", self.compare_view, "compare"),
            ("<path:object_id>/history/<str:version_id>/revert/", self.revert_view, "revert"),
            ("<path:object_id>/restore/", self.restore_view, "restore"),
        )
        own = [path(route, self._wrapped(view), name=f"{name}_{page}") for route, view, page in pages]
        return [*own, *super().get_urls()]

    def _wrapped(self, view: Any) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return self.admin_site.admin_view(view)(*args, **kwargs)

        return update_wrapper(wrapper, view)

    # What is asked for

    def get_all_rows(self, request: Any) -> Any:
        """Return the rows whose history may be seen: living and deleted ones."""
        return owned(self.model.all_objects.all())

    def _find(self, request: Any, object_id: str) -> tuple[Any, Any]:
        """Return (key, row); the row is None when it was purged. Unknown keys are not found."""
        try:
            key = self.opts.pk.to_python(unquote(object_id))
        except ValidationError as error:
            raise Http404(f"No {self.opts.verbose_name} has this key.") from error
        row = self.get_all_rows(request).filter(pk=key).first()
        if not self.has_view_history_or_change_history_permission(request, row):
            raise PermissionDenied
        return key, row

    def _find_changeable(self, request: Any, object_id: str) -> tuple[Any, Any]:
        """Return (key, row) of a row that the member may change."""
        key, row = self._find(request, object_id)
        if row is None:
            raise Http404(f"This {self.opts.verbose_name} was purged: only its history is left.")
        if not self.has_change_history_permission(request, row):
            raise PermissionDenied
        return key, row

    def _version(self, key: Any, number: str) -> Any:
        version = version_of(self.model, key, number)
        version.in_words = action_in_words(version.action)
        version.ordinal = timeline(self.model, key).filter(history_id__lte=version.history_id).count()
        return version

    def _url(self, page: str, *args: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    # What is answered

    def _render(self, request: Any, page: str, row: Any, status: int = 200, **context: Any) -> Any:
        """Render ``page``; ``row`` is the row, or the last version of a purged one."""
        request.current_app = self.admin_site.name
        may_change = not context.get("purged") and self.has_change_history_permission(request, row)
        everywhere = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "module_name": self.opts.verbose_name_plural,
            "object": row,
            "key": quote(row.pk),
            "may_change": may_change,
        }
        return TemplateResponse(request, f"{_FOLDER}/{page}.html", {**everywhere, **context}, status=status)

    def history_view(self, request: Any, object_id: str, extra_context: Any = None) -> Any:
        """List the versions of a row, newest first."""
        key, row = self._find(request, object_id)
        versions = timeline(self.model, key)
        paginator = Paginator(versions, self.history_list_per_page)
        page = paginator.get_page(request.GET.get("p"))
        first = (page.number - 1) * self.history_list_per_page
        shown_and_next = list(versions[first : first + self.history_list_per_page + 1])
        if not shown_and_next:
            raise Http404(f"No {self.opts.verbose_name} has this key.")
        entries = self._entries(request, shown_and_next)
        for index, version in enumerate(entries):
            version.ordinal = paginator.count - first - index
        return self._render(
            request, "history", row or entries[0].instance, title="History", page_obj=page,
            versions=entries[: self.history_list_per_page], purged=row is None, page_var="p",
            page_range=paginator.get_elided_page_range(page.number),
            more_columns=self.get_history_list_display(request), **(extra_context or {}),
        )  # fmt: skip

    def _entries(self, request: Any, versions: list[Any]) -> list[Any]:
        """Return versions with what the list says of each: what it changed against the one before."""
        names, pairs = Names(), with_changes(versions)
        links = {link.name for link in tracked_links(self.model)}
        for _, changes in pairs:
            want_names(names, self.model, (change for change in changes if change.field in links))
        for version, changes in pairs:
            version.in_words = action_in_words(version.action)
            version.changes = [self._told(change, names, links) for change in worth_telling(version, changes)]
            version.more = [self._extra(version, name) for name in self.get_history_list_display(request)]
        return [version for version, _ in pairs]

    def _told(self, change: FieldChange, names: Names, links: set[str]) -> str:
        """Return the name of a changed field; of links and of the state also what it was and what it is."""
        if change.field not in links and change.field != "state":
            return change.label
        told = shown(self.model, [change], names)[0]
        return f"{change.label}: {_text(told.old)} \u2192 {_text(told.new)}"

    def _extra(self, version: Any, name: str) -> Any:
        value = getattr(self, name, None)
        return value(version) if callable(value) else getattr(version, name)

    def compare_view(self, request: Any, object_id: str) -> Any:
        """Show what differs between two versions, field by field."""
        key, row = self._find(request, object_id)
        given = [self._version(key, request.GET.get(name, "")) for name in ("older", "newer")]
        older, newer = sorted(given, key=lambda version: (version.history_date, version.history_id))
        changes = shown(self.model, diff(newer, older))
        return self._render(
            request, "compare", row or newer.instance, title=f"Versions {older.ordinal} and {newer.ordinal}",
            older=older, newer=newer, changes=changes, purged=row is None,
        )  # fmt: skip

    def history_form_view(
        self, request: Any, object_id: str, version_id: str, extra_context: Any = None
    ) -> Any:
        """Show one version. What is posted here confirms a revert, like on :meth:`revert_view`."""
        if request.method == "POST":
            return self.revert_view(request, object_id, version_id)
        key, row = self._find(request, object_id)
        version = self._version(key, version_id)
        values = [*self._fields(version, row or version), *self._links(version, row)]
        return self._render(
            request, "version", row or version.instance, title=f"Version {version.ordinal}",
            version=version, purged=row is None, values=shown(self.model, values), **(extra_context or {}),
        )  # fmt: skip

    @staticmethod
    def _fields(version: Any, now: Any) -> list[FieldChange]:
        return [
            FieldChange(field.name, str(field.verbose_name), *(getattr(each, field.attname) for each in both))
            for field in revertible_fields(version.instance_type)
            for both in [(version, now)]
        ]

    def _links(self, version: Any, row: Any) -> list[FieldChange]:
        """Return what the version was linked to, and what the row is linked to now."""
        found = []
        for link in tracked_links(self.model):
            column = link.through._meta.get_field(link.target_field).attname
            then = link.history._base_manager.filter(history_id=version.history_id)
            old = sorted(then.values_list(column, flat=True), key=str)
            new = old
            if row is not None:
                now = link.through._base_manager.filter(**{link.source_field: row.pk})
                new = sorted(now.values_list(column, flat=True), key=str)
            found.append(FieldChange(link.name, link.label, old, new))
        return found

    def revert_view(self, request: Any, object_id: str, version_id: str) -> Any:
        """Show what a revert would change; a POST does it. Only ``reason`` and ``base`` are read from it."""
        key, row = self._find_changeable(request, object_id)
        version = self._version(key, version_id)
        plan = self._plan(request, row, version)
        form, problem, status = RevertForm(initial={"base": plan.base}), "", 200
        if request.method == "POST":
            problem, status = self._confirm(request, plan)
            if not problem:
                self.message_user(request, f"Reverted: {row}.", messages.SUCCESS)
                return HttpResponseRedirect(self._url("history", quote(key)))
        return self._render(
            request, "revert", row, status, title=f"Revert to version {version.ordinal}", version=version,
            plan=plan, changes=shown(self.model, plan.changes), form=form, problem=problem,
        )  # fmt: skip

    def _plan(self, request: Any, row: Any, version: Any) -> RevertPlan:
        rights = Rights(request, self.admin_site)
        plan = rights.narrowed(plan_revert(row, version, may=rights.may, writable=rights.writable))
        if not plan.restores:
            return plan
        foreign = foresee(request, self, [row.pk]).foreign
        return rights.refused(plan, foreign_in_words(foreign)) if foreign else plan

    @staticmethod
    def _confirm(request: Any, plan: Any) -> tuple[str, int]:
        """Apply the plan that was previewed; return (what stood in the way, status)."""
        form = RevertForm(request.POST)
        if not form.is_valid():
            return "The reason cannot be used: at most 500 characters, without control characters.", 400
        base = form.cleaned_data["base"]
        try:
            apply_revert(
                plan if base is None else plan.on_base(base), reason=form.cleaned_data["reason"] or None
            )
        except RevertConflict as error:
            return error.message, error.status
        return "", 200

    def restore_view(self, request: Any, object_id: str) -> Any:
        """Ask whether a deleted row is to come back; a POST brings it back."""
        key, row = self._find_changeable(request, object_id)
        if row.deleted_at is None:
            self.message_user(request, f"Not deleted: {row}.", messages.WARNING)
            return HttpResponseRedirect(self._url("history", quote(key)))
        form, status = ReasonForm(request.POST if request.method == "POST" else None), 200
        foreseen = foresee(request, self, [key])
        if request.method == "POST":
            status = 400
            if form.is_valid():
                try:
                    total = bring_back(self.model, [key], foreseen, form.cleaned_data["reason"])
                except SmartModelsError as error:
                    foreseen, status = foreseen.refused(error.message), error.status
                else:
                    self.message_user(request, f"Restored {total} rows.", messages.SUCCESS)
                    return HttpResponseRedirect(self._url("change", quote(key)))
        return self._render(request, "restore", row, status, title="Restore", form=form, foreseen=foreseen)
