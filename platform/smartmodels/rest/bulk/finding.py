"""Find the rows that a request names, lock them, and refuse those that are not there or not the caller's."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db.models import Q

from smartmodels.querysets import among
from smartmodels.rest.bulk.items import Item

__all__ = ["find_named", "lock_rows", "name_by_id", "refuse_foreign"]


def name_by_id(items: Iterable[Item]) -> dict[Item, uuid.UUID]:
    """Return the key of every item, taken out of its object; note what is no key, or given twice."""
    found: dict[Item, uuid.UUID] = {}
    seen: set[uuid.UUID] = set()
    for item in items:
        places = () if not isinstance(item.data, Mapping) else ("id",)
        given = item.data
        if isinstance(given, Mapping):
            item.data = {name: value for name, value in given.items() if name != "id"}
            given = given.get("id")
        try:
            key = uuid.UUID(given) if isinstance(given, str) else None
        except ValueError:
            key = None
        if key is None:
            item.refuse("required" if given is None else "invalid", "The id of a row is needed.", *places)
        elif key in seen:
            item.refuse("duplicate", "This row is named twice in one request.", *places)
        else:
            seen.add(key)
            found[item] = key
    return found


def lock_rows(view: Any, *conditions: Q, **named: Any) -> Any:
    """Return the visible rows that meet the conditions, locked in the order of their keys."""
    return view.get_queryset().select_for_update(of=("self",)).filter(*conditions, **named).order_by("pk")


def _named(view: Any, keys: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
    if not keys:
        return {}
    rows = view.get_queryset()
    return {row.pk: row for row in lock_rows(view, among(rows.model, "pk", keys, rows.db))}


def find_named(view: Any, items: Iterable[Item]) -> None:
    """Give every item the row that its ``id`` names, locked; note what is not there and not the caller's."""
    keys = name_by_id(items)
    rows = _named(view, keys.values())
    for item, key in keys.items():
        item.row, item.adding = rows.get(key), False
        if item.row is None:
            what = f"There is no such {view.model._meta.verbose_name} here."
            item.refuse("not-found", what, *(("id",) if isinstance(item.data, Mapping) else ()), status=404)
    refuse_foreign(view, keys)


def refuse_foreign(view: Any, items: Iterable[Item]) -> None:
    """Note at each item with a row whether the caller may not change it."""
    permissions = view.get_permissions()
    for item in items:
        if item.row is None or item.adding or item.faults:
            continue
        for permission in permissions:
            if not permission.has_object_permission(view.request, view, item.row):
                message = getattr(permission, "message", "You may not do this.")
                item.refuse("permission-denied", message, status=403)
                break
