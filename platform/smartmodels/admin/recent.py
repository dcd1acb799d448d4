"""What changed lately in the bound namespace, read from the histories of all its models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Value
from django.urls import reverse

from smartmodels.history import history_model, timeline
from smartmodels.showing.wording import action_in_words

__all__ = ["RecentChange", "recent_changes"]

_READ = 200
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class RecentChange:
    """What one operation (its id) did to one model: ``url`` is the history of a single row."""

    action: str
    who: str
    when: Any
    what: str
    url: str | None
    operation: Any


def _newest(model: Any) -> Any:
    rows = history_model(model).objects.order_by("-history_date", "-history_id")
    return rows.annotate(of_model=Value(model._meta.label), of_row=F(model._meta.pk.attname)).values_list(
        "of_model", "operation_id", "action", "of_row", "history_date", "actor_label"
    )[:_READ]


def _describe(model: Any, entry: Any, rows: set[Any]) -> RecentChange:
    _, opened, action, row, when, who = entry
    options, url = model._meta, None
    what = f"{len(rows)} {options.verbose_name_plural}"
    if len(rows) == 1:
        last: Any = timeline(model, row).first()
        what = str(last.instance)
        url = reverse(f"admin:{options.app_label}_{options.model_name}_history", args=[row])
    return RecentChange(action_in_words(action), who or "", when, what, url, opened)


def recent_changes(models: Iterable[Any]) -> list[RecentChange]:
    """Return the latest changes, newest first, those of one operation to one model taken together.

    One query for the list and one for the name of each single row; only the latest 200 versions are
    looked at, so a large operation may be told smaller than it was.
    """
    by_label = {model._meta.label: model for model in models}
    if not by_label:
        return []
    first, *others = [_newest(model) for model in by_label.values()]
    groups: dict[Any, Any] = {}
    # One alone is no union, and in order already.
    for entry in first.union(*others, all=True).order_by("-history_date")[:_READ] if others else first:
        _, rows = groups.setdefault(entry[:3], (entry, set()))
        rows.add(entry[3])
    return [_describe(by_label[newest[0]], newest, rows) for newest, rows in list(groups.values())[:_SHOWN]]
