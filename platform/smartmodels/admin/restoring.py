"""Restore deleted rows: first what would come along and what would stay, then the deed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse

from smartmodels.admin.listed_rows import history_url
from smartmodels.admin.permissions import may_change_row, role_of
from smartmodels.context import operation
from smartmodels.exceptions import NotPermitted, SmartModelsError
from smartmodels.ownership import foreign_kinds, may_change_all
from smartmodels.showing import derive
from smartmodels.showing.forms import ReasonForm
from smartmodels.showing.naming import Names
from smartmodels.softdelete import restore
from smartmodels.softdelete.preview import preview_restoration

__all__ = ["Foreseen", "bring_back", "foreign_in_words", "foresee", "restore_selected"]

_NAMED = 10
"""How many rows of one model the page names; the others are counted."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Rows of one model: how many, and the (name, address) of the first."""

    name: str
    count: int
    rows: list[tuple[str, str | None]]

    @property
    def more(self) -> int:
        """Return how many are not named."""
        return self.count - len(self.rows)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a restoration would do: what comes back, what stays deleted, what stands in the way."""

    coming: tuple[_Kind, ...] = ()
    left: tuple[_Kind, ...] = ()
    problem: str = ""
    in_the_way: tuple[_Kind, ...] = ()
    foreign: str = ""

    @property
    def possible(self) -> bool:
        """Tell whether it can be confirmed."""
        return not self.problem and not self.foreign

    def refused(self, message: str) -> Foreseen:
        """Return the same with what came up since."""
        return replace(self, problem=self.problem or message)


def _kinds(model_admin: Any, rows: Mapping[Any, Iterable[Any]]) -> tuple[_Kind, ...]:
    site, found = model_admin.admin_site, []
    for model, keys in rows.items():
        listed, options = sorted(keys, key=str), model._meta
        names, shows = Names(), site.is_registered(model)
        names.want(model, listed[:_NAMED])
        first = [
            (names.of(model, key), history_url(site, model, key) if shows else None)
            for key in listed[:_NAMED]
        ]
        name = str(options.verbose_name if len(listed) == 1 else options.verbose_name_plural)
        found.append(_Kind(name, len(listed), first))
    return tuple(found)


def _others(request: Any, rows: Mapping[Any, Iterable[Any]]) -> str:
    """Return the kinds of rows that would come along but belong to others than this member."""
    if may_change_all(role_of(request)):
        return ""
    return ", ".join(foreign_kinds(rows, request.user.pk))


def _in_the_way(model: Any, error: SmartModelsError) -> dict[Any, Any]:
    """Return the rows to see to first: those that hold a value, or deleted ones that are needed."""
    said = error.details
    if said.get("model") != model._meta.label:
        return {}
    key = model._meta.pk.to_python
    if said.get("taken_by"):
        return {model: [key(each) for each in said["taken_by"]]}
    rows = list(model.all_objects.filter(pk__in=[key(each) for each in said.get("keys", ())]))
    found = {}
    for link in derive.foreign_keys(model):
        target = link.remote_field.model
        above = target.deleted_objects.filter(pk__in={getattr(row, link.attname) for row in rows})
        if keys := list(above.values_list("pk", flat=True)):
            found[target] = keys
    return found


def foresee(request: Any, model_admin: Any, keys: Iterable[Any]) -> Foreseen:
    """Return what restoring the rows would do, changing nothing."""
    try:
        found = preview_restoration(model_admin.model, keys)
    except SmartModelsError as error:
        if error.status >= 500:
            raise
        blocking = _kinds(model_admin, _in_the_way(model_admin.model, error))
        return Foreseen(problem=error.message, in_the_way=blocking)
    return Foreseen(
        _kinds(model_admin, found.rows), _kinds(model_admin, found.left), foreign=_others(request, found.rows)
    )


def foreign_in_words(kinds: str) -> str:
    """Return why a member does not restore what comes with rows of others."""
    return f"This would bring back {kinds} of other people, too: ask an admin of this namespace to do it."


def bring_back(model: Any, keys: Iterable[Any], foreseen: Foreseen, reason: str) -> int:
    """Restore the rows and return how many came back.

    Raises NotPermitted if rows of others would come along, RestoreConflict for what stands in the way.
    """
    if foreseen.foreign:
        raise NotPermitted(foreign_in_words(foreseen.foreign))
    with operation(reason=reason or None):
        total, _ = restore(model, keys).as_counts()
    return total


@admin.action(permissions=["restore"], description="Restore selected %(verbose_name_plural)s")
def restore_selected(model_admin: Any, request: Any, queryset: Any) -> Any:
    """Show what restoring the selected rows brings back; once confirmed, restore them."""
    rows = list(queryset)
    if not all(may_change_row(request, row) for row in rows):
        raise PermissionDenied
    keys = [row.pk for row in rows]
    foreseen, form, status = foresee(request, model_admin, keys), ReasonForm(), 200
    if request.POST.get("post"):
        form, status = ReasonForm(request.POST), 400
        if form.is_valid():
            try:
                total = bring_back(model_admin.model, keys, foreseen, form.cleaned_data["reason"])
            except SmartModelsError as error:
                foreseen, status = foreseen.refused(error.message), error.status
            else:
                model_admin.message_user(request, f"Restored {total} rows.", messages.SUCCESS)
                return None
    return _asked(model_admin, request, rows, foreseen, form, status)


def _asked(  # noqa: PLR0913, PLR0917 - what the page shows
    model_admin: Any, request: Any, rows: list[Any], foreseen: Foreseen, form: ReasonForm, status: int
) -> TemplateResponse:
    request.current_app = model_admin.admin_site.name
    context = {
        **model_admin.admin_site.each_context(request), "opts": model_admin.opts, "title": "Restore",
        "media": model_admin.media, "chosen": rows, "foreseen": foreseen, "form": form,
        "module_name": model_admin.opts.verbose_name_plural,
    }  # fmt: skip
    return TemplateResponse(request, "smartmodels/admin/restore_selected.html", context, status=status)
