"""Insert or change: rows that exist already, by fields that are unique, are changed or left as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from smartmodels.rest.bulk.finding import lock_rows, refuse_foreign
from smartmodels.rest.bulk.items import NOTHING, Item
from smartmodels.rest.bulk.reading import read_items
from smartmodels.rest.bulk.uniqueness import UniqueGroup, groups_of
from smartmodels.rest.faults import InvalidParameter

__all__ = ["conflict_group", "match_existing"]


def conflict_group(view: Any, serializer: Any) -> UniqueGroup | None:
    """Return the unique fields that ``?on_conflict=`` names; raise InvalidParameter for others."""
    given = view.request.query_params.get("on_conflict")
    if given is None:
        return None
    sources = {field.source: name for name, field in serializer.fields.items() if not field.read_only}
    exposed = [group for group in groups_of(view.model) if set(group.fields) <= sources.keys()]
    wanted = {name.strip() for name in given.split(",")}
    for group in exposed:
        if {sources[name] for name in group.fields} == wanted:
            return group
    choices = " or ".join(",".join(sources[name] for name in group.fields) for group in exposed)
    raise InvalidParameter(
        "on_conflict", f"Fields that are unique are needed: {choices or 'there are none'}."
    )


def match_existing(
    view: Any, serializer: Any, items: Sequence[Item], group: UniqueGroup, *, ignore: bool
) -> None:
    """Give the items whose values exist the row that has them, locked; read the others as new rows.

    With ``ignore`` items that meet a row, or an earlier item of the request, are done.
    """
    for item in items:
        item.partial = True
    read_items(serializer, items)
    values = {item: found for item in items if not item.faults and (found := _values(item, group))}
    existing = _existing(view, group, set(values.values()))
    seen: dict[Any, Item] = {}
    for item in items:
        if item.faults:
            continue
        key = values.get(item)
        item.row = existing.get(key)
        item.adding, item.partial = item.row is None, item.row is not None
        if key in seen and ignore:
            item.same_as = seen[key]
        elif key in seen and item.row is not None:
            item.refuse("duplicate", "An earlier row of this request changes the same row.")
        elif key is not None:
            seen[key] = item
        if item.row is not None and ignore:
            item.status = 200
    _read_new(serializer, items)
    refuse_foreign(view, (item for item in items if not ignore))


def _read_new(serializer: Any, items: Iterable[Item]) -> None:
    new = [item for item in items if item.adding and item.same_as is None and not item.faults]
    for item in new:
        item.given = NOTHING
    read_items(serializer, new)


def _values(item: Item, group: UniqueGroup) -> tuple[Any, ...] | None:
    """Return the values that decide, None where one is left out or null, which is equal to nothing."""
    found = tuple(item.given.get(name) for name in group.fields)
    return None if None in found else tuple(getattr(value, "pk", value) for value in found)


def _existing(view: Any, group: UniqueGroup, wanted: set[Any]) -> dict[Any, Any]:
    if not wanted:
        return {}
    names = group.attributes(view.model)
    columns = zip(*wanted, strict=True)
    narrowed = {f"{name}__in": set(values) for name, values in zip(names, columns, strict=True)}
    rows = lock_rows(view, **narrowed)
    if group.condition is not None:
        rows = rows.filter(group.condition)
    found = {tuple(getattr(row, name) for name in names): row for row in rows}
    return {values: row for values, row in found.items() if values in wanted}
