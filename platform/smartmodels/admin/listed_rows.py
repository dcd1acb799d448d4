"""Rows of plans and operations as pages show them: named, linked, with readable values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.safestring import SafeString

from smartmodels.admin.rights import Rights
from smartmodels.history import RowChange, RowPlan
from smartmodels.showing.naming import Names, said
from smartmodels.showing.values import ShownChange, shown, want_names

__all__ = ["ShownRow", "history_url", "kind_in_words", "listed", "step_in_words"]

_TEXT_MAX = 1000
"""How many characters of a value a page of many rows shows; the row's own pages show all."""

_STEPS = {
    "insert": "brought back from its history",
    "restore": "restored",
    "update": "changed back",
    "delete": "deleted",
}


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row ready to be shown; ``url`` leads to its history, ``group`` names its kind."""

    group: str
    name: str
    url: str | None
    what: str
    changes: list[ShownChange]
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def history_url(site: Any, model: Any, key: Any) -> str:
    """Return the address of a row's history."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_history"
    return reverse(name, args=[quote(key)], current_app=site.name)


def step_in_words(step: str) -> str:
    """Return what a revert does to a row."""
    return _STEPS[step]


def kind_in_words(row: RowChange) -> str:
    """Return what an operation did to a row."""
    return "changed" if row.kind == "updated" else row.kind


def _messages(conflicts: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(conflict.message for conflict in conflicts))


def _of_plan(row: RowPlan) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return step_in_words(row.step), _messages(row.conflicts), _messages(row.notes)


def _of_operation(row: RowChange) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return kind_in_words(row), (), ()


def listed(
    site: Any, rights: Rights, rows: Sequence[RowPlan | RowChange], *, done: bool = True
) -> list[ShownRow]:
    """Return rows for a page: two queries at most per model that they belong to or point at.

    Of a model that the member does not see only that there is a row is told. ``done`` is false for rows
    that are left out.
    """
    names = Names()
    for row in rows:
        names.want(row.model, [row.pk])
        want_names(names, row.model, row.changes)
    found = [_listed(site, rights, row, names) for row in rows]
    return found if done else [replace(row, what=f"not {row.what}") for row in found]


def _cut(value: Any) -> Any:
    """Return the value, a long text shortened; markup is left whole, since half a tag is none."""
    if isinstance(value, SafeString) or len(text := str(value)) <= _TEXT_MAX:
        return value
    return f"{text[:_TEXT_MAX]}... ({len(text) - _TEXT_MAX} characters more)"


def _listed(site: Any, rights: Rights, row: RowPlan | RowChange, names: Names) -> ShownRow:
    what, conflicts, notes = _of_plan(row) if isinstance(row, RowPlan) else _of_operation(row)
    kinds = str(row.model._meta.verbose_name_plural)
    group = kinds[:1].upper() + kinds[1:]
    if row.model not in rights.models:
        return ShownRow(group, f"a {row.model._meta.verbose_name}", None, what, [], conflicts, notes)
    name = names.find(row.model, row.pk) or said(row.row)
    # The state is what the word for the whole row says.
    changes = [
        replace(each, old=_cut(each.old), new=_cut(each.new))
        for each in shown(row.model, (each for each in row.changes if each.field != "state"), names)
    ]
    return ShownRow(
        group, name or "(no name)", history_url(site, row.model, row.pk), what, changes, conflicts, notes
    )
