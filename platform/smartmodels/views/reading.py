"""Pages to look at: the list, one row, its history, and what was deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.views import generic

from smartmodels.conf import settings
from smartmodels.history import timeline, with_changes
from smartmodels.querysets import without_service_owners
from smartmodels.showing.derive import columns
from smartmodels.showing.naming import Names, said
from smartmodels.showing.values import in_words, shown, want_names, worth_telling
from smartmodels.showing.wording import action_in_words, actor_in_words
from smartmodels.views.rows import RowsMixin

__all__ = ["SmartDeletedView", "SmartDetailView", "SmartHistoryView", "SmartListView"]

if TYPE_CHECKING:
    _ListView = generic.ListView[Any]
    _DetailView = generic.DetailView[Any]
else:
    _ListView, _DetailView = generic.ListView, generic.DetailView


def _title(text: Any) -> str:
    return str(text)[:1].upper() + str(text)[1:]


def _wanted(fields: Iterable[Any], rows: Iterable[Any], names: Names) -> None:
    for field in fields:
        if field.is_relation:
            names.want(field.remote_field.model, {getattr(row, field.attname) for row in rows})


class SmartListView(RowsMixin, _ListView):  # type: ignore[misc]
    """Pages of rows, the newest first; ``columns`` names the fields that are shown.

    In an app::

        class StudyList(SmartListView):
            model = Study
            columns = ("code", "island")

    However many rows a page has, it costs one query more for each model that its columns point at.
    """

    columns: tuple[str, ...] = ()
    ordering: Any = ("-pk",)

    def get_paginate_by(self, queryset: Any) -> int:
        """Return how many rows are on a page, at most ``SMARTMODELS_PAGE_SIZE_MAX``."""
        return min(self.paginate_by or settings().PAGE_SIZE, settings().PAGE_SIZE_MAX)

    def get_queryset(self) -> Any:
        """Return the rows in the order of the list."""
        return without_service_owners(super().get_queryset()).order_by(*self.get_ordering() or ("pk",))

    def shown_fields(self) -> list[Any]:
        """Return the fields that are columns."""
        names = self.columns or [name for name in columns(self.model) if name != "__str__"]
        return [self.model._meta.get_field(name) for name in names]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the table: headings, and per row its name, its address and its cells."""
        context = super().get_context_data(**kwargs)
        rows, fields, names = list(context["object_list"]), self.shown_fields(), Names()
        _wanted(fields, rows, names)
        page = "history" if self.life == "deleted" else "detail"
        table = []
        for row in rows:
            cells = [in_words(field, getattr(row, field.attname), names) for field in fields]
            line = {"row": row, "name": said(row), "address": self.address(page, row), "cells": cells}
            table.append(line)
        headings = [_title(field.verbose_name) for field in fields]
        return {**context, "headings": headings, "table": table}


class SmartDeletedView(SmartListView):
    """What was deleted, the latest first, and can be restored by those who may change it.

    In an app::

        class DeletedStudies(SmartDeletedView):
            model = Study
    """

    life = "deleted"
    page = "deleted"
    ordering = ("-deleted_at", "-pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add to each row where it is restored."""
        context = super().get_context_data(**kwargs)
        for line in context["table"]:
            may = self.may_change(line["row"])
            line["restore"] = self.address("restore", line["row"]) if may else None
        return context


class SmartDetailView(RowsMixin, _DetailView):
    """One row with all its values, whose it is and who changed it.

    In an app::

        class StudyPage(SmartDetailView):
            model = Study
    """

    page = "detail"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the values, as (label, value), and who is behind the row."""
        context = super().get_context_data(**kwargs)
        row, names = context["object"], Names()
        fields = [field for field in row._meta.concrete_fields if field.editable]
        _wanted(fields, [row], names)
        people = get_user_model()
        names.want(people, {row.owner_id, row.created_by_id, row.updated_by_id})
        values = [
            (_title(field.verbose_name), in_words(field, getattr(row, field.attname), names))
            for field in fields
        ]
        for link in row._meta.many_to_many:
            linked = [said(each) for each in getattr(row, link.name).all()[: settings().PAGE_SIZE]]
            values.append((_title(link.verbose_name), ", ".join(sorted(linked)) or "none"))
        by = {name: names.of(people, getattr(row, f"{name}_id")) for name in _BEHIND}
        return {**context, "name": said(row), "values": values, "by": by}


_BEHIND = ("owner", "created_by", "updated_by")


class SmartHistoryView(RowsMixin, _DetailView):
    """The versions of a row, the newest first, and what each changed; of a deleted row, too.

    In an app::

        class StudyHistory(SmartHistoryView):
            model = Study
    """

    life = "all"
    page = "history"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add a page of versions; one older is read along, to compare the last one with."""
        context = super().get_context_data(**kwargs)
        row, size = context["object"], settings().PAGE_SIZE
        versions = timeline(self.model, row.pk)
        page = Paginator(versions, size).get_page(self.request.GET.get("page"))
        first = (page.number - 1) * size
        pairs, names = with_changes(list(versions[first : first + size + 1]))[:size], Names()
        told = [(version, worth_telling(version, changes)) for version, changes in pairs]
        want_names(names, self.model, (change for _, changes in told for change in changes))
        for version, changes in told:
            version.in_words = action_in_words(version.action)
            version.who = actor_in_words(version.actor_label, version.actor_kind)
            version.changes = shown(self.model, changes, names)
        listed = [version for version, _ in told]
        paged = page.has_other_pages()
        return {**context, "name": said(row), "versions": listed, "page_obj": page, "is_paginated": paged}
