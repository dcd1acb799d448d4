"""Delete and restore many rows, as one by one, by a few statements per kind of row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smartmodels.rest.bulk.items import Item, refuse_faulty
from smartmodels.rest.bulk.writing import isolate
from smartmodels.rest.deleting import refuse_foreign_return, refuse_foreign_rows
from smartmodels.softdelete import restore, soft_delete

__all__ = ["remove_items", "restore_items"]


def remove_items(view: Any, items: Sequence[Item], *, lenient: bool) -> None:
    """Delete the rows of the items softly; note what is refused, and raise Refused unless it is lenient."""

    def remove(some: Sequence[Item]) -> None:
        rows = [item.row for item in some]
        refuse_foreign_rows(view.request, *rows, by_owner=view.owner_writes_only)
        soft_delete(view.model, [row.pk for row in rows])

    _do(items, remove, lenient=lenient)
    _read_again(view, items)


def restore_items(view: Any, items: Sequence[Item], *, lenient: bool) -> None:
    """Restore the deleted ones among the rows of the items; those that live stay as they are."""

    def bring_back(some: Sequence[Item]) -> None:
        rows = [item.row for item in some if item.row.is_deleted]
        if rows:
            refuse_foreign_return(view.request, *rows)
            restore(view.model, [row.pk for row in rows])

    _do(items, bring_back, lenient=lenient)
    _read_again(view, items)


def _do(items: Sequence[Item], write: Any, *, lenient: bool) -> None:
    if not lenient:
        refuse_faulty(items)
    isolate([item for item in items if not item.faults], write)
    if not lenient:
        refuse_faulty(items)


def _read_again(view: Any, items: Sequence[Item]) -> None:
    """Show the rows as they are now."""
    done = [item for item in items if not item.faults]
    rows = view.model.all_objects.in_bulk([item.row.pk for item in done])
    for item in done:
        item.row = rows[item.row.pk]
