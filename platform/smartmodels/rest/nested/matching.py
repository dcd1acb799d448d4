"""Which rows the nested ones are: found through their parent alone, so that no other parent loses any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from smartmodels.rest.bulk.finding import lock_rows
from smartmodels.rest.bulk.items import Item
from smartmodels.rest.nested.branches import Branch
from smartmodels.rest.nested.declaring import ROWS_MAX
from smartmodels.rest.nested.wishes import Wish, give_row, key_of, names_itself
from smartmodels.rest.problems import Problem, Refused

__all__ = ["match_above", "match_below"]

_EXISTING_MAX = 10 * ROWS_MAX
_ELSEWHERE = "No such row belongs to this one."


def match_below(branch: Branch, wishes: Sequence[Wish]) -> None:
    """Sort what is sent into rows that are made, changed, deleted and let go; note what is not there."""
    keys = {item: key_of(item) for wish in wishes for item in wish.items() if names_itself(item)}
    below, free = _existing(branch, wishes, {key for key in keys.values() if key is not None})
    for wish in wishes:
        own = {} if wish.parent.row is None else below.get(wish.parent.row.pk, {})
        _match(branch, wish, own, free, keys)
        branch.items += [*wish.rows, *wish.link, *wish.unlink]
        branch.going += wish.delete


def _existing(
    branch: Branch, wishes: Iterable[Wish], keys: set[Any]
) -> tuple[dict[Any, dict[Any, Any]], dict[Any, Any]]:
    """Return the rows below each parent that are needed, by key, and those that belong to nobody."""
    name = branch.relation.field.attname
    whole = [
        wish for wish in wishes if wish.parent.row is not None and (wish.replaces or branch.nested.finds)
    ]
    named = [wish.parent.row.pk for wish in wishes if wish.parent.row is not None]
    rows = []
    if whole:
        parents = [wish.parent.row.pk for wish in whole]
        rows += lock_rows(branch.view, **{f"{name}__in": parents})[: _EXISTING_MAX + 1]
    if len(rows) > _EXISTING_MAX:
        message = f"More than {_EXISTING_MAX} rows are there already: change them at their own address."
        raise Refused(Problem(413, "too-many-rows", message, details={"most": _EXISTING_MAX}))
    if missing := keys - {row.pk for row in rows}:
        rows += lock_rows(branch.view, pk__in=missing, **{f"{name}__in": named})
    below: dict[Any, dict[Any, Any]] = {}
    for row in rows:
        below.setdefault(getattr(row, name), {})[row.pk] = row
    wanted = {key for wish in wishes for item in wish.link if (key := key_of(item)) is not None}
    free = lock_rows(branch.view, pk__in=wanted, **{f"{name}__isnull": True}) if wanted else []
    return below, {row.pk: row for row in free}


def _match(
    branch: Branch, wish: Wish, own: Mapping[Any, Any], free: dict[Any, Any], keys: Mapping[Item, Any]
) -> None:
    seen: set[Any] = set()
    for item in wish.rows:
        if item in keys:
            give_row(item, own.get(keys[item]), seen, _ELSEWHERE)
        elif isinstance(item.data, Mapping) and branch.nested.finds and item not in wish.new:
            found = _resolved(branch, item, wish.parent, own)
            if found is not None:
                give_row(item, own.get(found.pk), seen, _ELSEWHERE)
    for item in (*wish.delete, *wish.unlink):
        give_row(item, own.get(keys[item]), seen, _ELSEWHERE)
    for item in wish.link:
        # What is another's is not taken from it: only what belongs to nobody can be linked.
        give_row(item, own.get(keys[item]) or free.pop(keys[item], None), seen, _ELSEWHERE)
    _set_free(branch, wish)
    if wish.replaces:
        wish.delete += [
            Item((*wish.parent.place, branch.name), None, row, adding=False)
            for pk, row in own.items()
            if pk not in seen
        ]


def _set_free(branch: Branch, wish: Wish) -> None:
    for item in wish.unlink:
        if not branch.relation.field.null and not item.faults:
            item.refuse("invalid", "This row cannot be without one that it belongs to: delete it instead.")
        item.fixed = {branch.relation.field.name: None}


def _resolved(branch: Branch, item: Item, parent: Item, own: Mapping[Any, Any]) -> Any:
    if branch.nested.resolve is not None:
        return branch.nested.resolve(item.data, parent.row)
    wanted = branch.key_in(item.data)
    return (
        None if wanted is None else next((row for row in own.values() if branch.key_of(row) == wanted), None)
    )


def match_above(branch: Branch, items: Sequence[Item]) -> None:
    """Find the rows above: the one that a row belongs to already, or one by its natural key."""
    attribute = branch.relation.field.attname
    held = {
        item: key
        for item in items
        if (row := branch.below[item].row) is not None and (key := getattr(row, attribute)) is not None
    }
    rows = {row.pk: row for row in lock_rows(branch.view, pk__in=set(held.values()))} if held else {}
    by_key = branch.find_by_keys([item for item in items if isinstance(item.data, Mapping)])
    for item in items:
        current = rows.get(held.get(item))
        if not isinstance(item.data, Mapping):
            continue
        if "id" in item.data:
            key = key_of(item)
            give_row(item, current if current is not None and current.pk == key else None, set(), _ELSEWHERE)
        elif (found := _found_above(branch, item, current, by_key)) is not None:
            give_row(item, found, set(), _ELSEWHERE)


def _found_above(branch: Branch, item: Item, current: Any, by_key: Mapping[Any, Any]) -> Any:
    if branch.nested.resolve is not None:
        return branch.nested.resolve(item.data, current)
    wanted = branch.key_in(item.data)
    if wanted is None or (current is not None and branch.key_of(current) == wanted):
        return current
    return by_key.get(wanted)
