"""Write many rows: few statements when all is well, and the rows that are refused by name when it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from django.db import DatabaseError, transaction
from rest_framework.exceptions import APIException

from smartmodels.context import require_operation
from smartmodels.exceptions import SmartModelsError
from smartmodels.querysets import can_be_changed, change_rows
from smartmodels.rest.bulk.items import Item
from smartmodels.rest.bulk.links import set_links
from smartmodels.rest.problems import Problem, problem_of
from smartmodels.rest.serializing import SmartSerializer

__all__ = ["is_about_rows", "isolate", "write_items"]

Write = Callable[[Sequence[Item]], None]


def isolate(items: Sequence[Item], write: Write) -> None:
    """Write the items; what the database refuses is noted at its item, and all others are written.

    A set that is refused is taken back and halved until single rows are left.
    """
    if not items:
        return
    try:
        with transaction.atomic():
            write(items)
    except (DatabaseError, SmartModelsError, APIException) as error:
        problem = is_about_rows(error)
        if problem is None:
            raise
        for item in items:
            _as_before(item)
        if len(items) == 1:
            items[0].refuse_as(problem)
            return
        middle = len(items) // 2
        isolate(items[:middle], write)
        isolate(items[middle:], write)


def is_about_rows(error: Exception) -> Problem | None:
    """Return what an error says of the rows; None if nothing: the request may be tried again as it is."""
    problem = problem_of(error)
    if problem is None or problem.status >= 500 or "Retry-After" in problem.headers:
        return None
    return problem


def _as_before(item: Item) -> None:
    """Let an instance know that it was not inserted after all."""
    if item.adding and item.row is not None:
        item.row._state.adding = True


def write_items(serializer: Any, items: Sequence[Item]) -> None:
    """Insert and change the rows of items that were checked; changes first, wave by wave."""
    changing = [item for item in items if not item.adding]
    adding = [item for item in items if item.adding]
    for _, wave in groupby(sorted(changing, key=lambda item: item.wave), key=lambda item: item.wave):
        _change(serializer, list(wave))
    if adding:
        _add(serializer, adding)


def _add(serializer: Any, items: Sequence[Item]) -> None:
    if type(serializer).create is not SmartSerializer.create:
        for item in items:
            item.row = serializer.create({**item.given, **item.fixed})
        return
    model = serializer.Meta.model
    model.objects.bulk_create([item.row for item in items])
    set_links(model, items)


def _change(serializer: Any, items: Sequence[Item]) -> None:
    if type(serializer).update is not SmartSerializer.update:
        for item in items:
            serializer.instance = item.row
            item.row = serializer.update(_unchanged(item), {**item.given, **item.fixed})
        return
    changed = [item for item in items if item.changed]
    if changed:
        change_items(serializer.Meta.model, changed)
    set_links(serializer.Meta.model, items)


def _unchanged(item: Item) -> Any:
    """Return the row as it was read, for code that compares."""
    for attribute, old in item.changed.items():
        setattr(item.row, attribute, old)
    return item.row


def change_items(model: Any, items: Sequence[Item]) -> None:
    """Write what differs, stamped like single rows."""
    opened = require_operation()
    rows = [item.row for item in items]
    for row in rows:
        row.stamp(opened)
        row.updated_at = rows[0].updated_at
    names = {name for item in items for name in item.changed} | {"updated_at", "updated_by_id"}
    fields = [field for field in model._meta.concrete_fields if field.attname in names]
    if can_be_changed(rows, fields, rows[0]._state.db):
        change_rows(model, rows, fields, rows[0]._state.db)
    else:
        model.objects.bulk_update(rows, [field.name for field in fields])
