"""Rows of a many-to-many field: linked, made and let go with their parent, and never taken from another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from smartmodels.rest.bulk.finding import lock_rows
from smartmodels.rest.bulk.items import Item
from smartmodels.rest.bulk.links import change_links
from smartmodels.rest.nested.branches import Branch
from smartmodels.rest.nested.wishes import Wish, give_row, key_of, names_itself

__all__ = ["linked_keys", "match_linked", "save_links"]

_NOT_LINKED = "No such row is linked with this one."
_NOT_VISIBLE = "No such row is visible here."


def linked_keys(branch: Branch, parents: Iterable[Any]) -> dict[Any, list[Any]]:
    """Return the keys of what each parent is linked with, in the order of the links; one query."""
    source, target = branch.relation.ends
    found: dict[Any, list[Any]] = {}
    wanted = list(parents)
    if wanted:
        links = branch.relation.through._default_manager.filter(**{f"{source}__in": wanted})
        for key, to in links.order_by("pk").values_list(source, target):
            found.setdefault(key, []).append(to)
    return found


class _Rows:
    """What the request may be about: the visible rows, and which of them are linked with which parent."""

    def __init__(self, branch: Branch, wishes: Sequence[Wish], keys: Mapping[Item, Any]) -> None:
        parents = [wish.parent.row.pk for wish in wishes if wish.parent.row is not None]
        self._linked = linked_keys(branch, parents)
        replaced = {wish.parent.row.pk for wish in wishes if wish.replaces and wish.parent.row is not None}
        wanted = {key for key in keys.values() if key is not None}
        wanted |= {to for key in replaced for to in self._linked.get(key, ())}
        self.visible = {row.pk: row for row in lock_rows(branch.view, pk__in=wanted)} if wanted else {}

    def keys_of(self, parent: Item) -> dict[Any, None]:
        """Return the keys of all that the parent is linked with, in order."""
        return dict.fromkeys(() if parent.row is None else self._linked.get(parent.row.pk, ()))

    def linked(self, wish: Wish) -> dict[Any, Any]:
        """Return the visible rows that the parent is linked with, of those that were read."""
        return {key: self.visible[key] for key in self.keys_of(wish.parent) if key in self.visible}


def match_linked(branch: Branch, wishes: Sequence[Wish]) -> None:
    """Sort what is sent into rows that are made, changed, deleted, linked and let go; note what is not there.

    A row is made or changed once in a request, however many rows it is linked with.
    """
    keys = {item: key_of(item) for wish in wishes for item in wish.items() if names_itself(item)}
    rows = _Rows(branch, wishes, keys)
    matching = _Matching(branch, keys, rows, branch.find_by_keys(_without_id(wishes, keys)))
    for wish in wishes:
        matching.match(wish)
    if branch.is_needed:
        for wish in wishes:
            _refuse_empty(branch, wish.parent, rows)


def _refuse_empty(branch: Branch, parent: Item, rows: _Rows) -> None:
    """Refuse a parent that would be linked with nothing, by the code of a field that is not nested."""
    bound = any(above is parent for above, _ in branch.bound)
    going = {item.row.pk for item in branch.going if item.row is not None}
    loose = {key for above, key in branch.loose if above is parent}
    if not bound and rows.keys_of(parent).keys() <= going | loose:
        parent.refuse("empty", "At least one row is needed here.", branch.name)


def _without_id(wishes: Iterable[Wish], keys: Mapping[Item, Any]) -> list[Item]:
    return [item for wish in wishes for item in wish.rows if item not in keys and item not in wish.new]


class _Matching:
    """One pass over all wishes; ``_made`` and ``_touched`` are what earlier ones make and change."""

    def __init__(
        self, branch: Branch, keys: Mapping[Item, Any], rows: _Rows, by_key: Mapping[Any, Any]
    ) -> None:
        self._branch, self._keys, self._rows, self._by_key = branch, keys, rows, by_key
        self._made: dict[Any, Item] = {}
        self._touched: set[Any] = set()

    def match(self, wish: Wish) -> None:
        """Find the rows of one parent."""
        linked, visible = self._rows.linked(wish), self._rows.visible
        seen: set[Any] = set()
        for item in wish.rows:
            self._match_row(wish, item, linked if item in wish.there else visible, seen)
        for item in wish.link:
            self._name(item, visible, seen, _NOT_VISIBLE)
            self._add(wish, item)
        for item in wish.delete:
            self._name(item, linked, seen, _NOT_LINKED)
            self._touch(item)
            self._branch.going.append(item)
        for item in wish.unlink:
            self._name(item, linked, seen, _NOT_LINKED)
            self._drop(wish, item)
        if wish.replaces:
            self._branch.loose |= {(wish.parent, key) for key in linked if key not in seen}

    def _match_row(self, wish: Wish, item: Item, known: Mapping[Any, Any], seen: set[Any]) -> None:
        if item in self._keys:
            self._name(item, known, seen, _NOT_VISIBLE if known is self._rows.visible else _NOT_LINKED)
        elif isinstance(item.data, Mapping) and item not in wish.new and self._branch.nested.finds:
            if self._take(wish, item):
                return
            found = self._found(item, wish.parent)
            if found is not None:
                give_row(item, found or None, seen, _NOT_VISIBLE)
        if item.data and not item.adding:
            self._touch(item)
        self._add(wish, item)

    def _take(self, wish: Wish, item: Item) -> bool:
        """Tell whether an earlier parent makes the same row; then it is linked with this one, too."""
        key = self._branch.key_in(item.data)
        if key is None or key in self._by_key:
            return False
        first = self._made.setdefault(key, item)
        if first is item or first.data != item.data or first in self._of(wish):
            return False
        self._branch.bound.append((wish.parent, first))
        return True

    def _of(self, wish: Wish) -> set[Item]:
        return {item for parent, item in self._branch.bound if parent is wish.parent}

    def _found(self, item: Item, parent: Item) -> Any:
        """Return the row that is meant without its id; None for a new one, False for one out of sight."""
        if self._branch.nested.resolve is None:
            return self._by_key.get(self._branch.key_in(item.data))
        found = self._branch.nested.resolve(item.data, parent.row)
        # What a function finds counts as far as the caller sees it.
        return None if found is None else lock_rows(self._branch.view, pk=found.pk).first() or False

    def _name(self, item: Item, known: Mapping[Any, Any], seen: set[Any], missing: str) -> None:
        give_row(item, known.get(self._keys[item]), seen, missing)

    def _touch(self, item: Item) -> None:
        if item.row is None:
            return
        if item.row.pk in self._touched:
            item.refuse("duplicate", "This row is changed twice in one request.")
        self._touched.add(item.row.pk)

    def _add(self, wish: Wish, item: Item) -> None:
        self._branch.items.append(item)
        self._branch.bound.append((wish.parent, item))

    def _drop(self, wish: Wish, item: Item) -> None:
        self._branch.items.append(item)
        if item.row is not None:
            self._branch.loose.add((wish.parent, item.row.pk))


def save_links(branch: Branch) -> None:
    """Link what is to be linked and let go what is not, by two statements."""
    add = [(parent.row.pk, item.row.pk) for parent, item in branch.bound]
    drop = [(parent.row.pk, key) for parent, key in branch.loose]
    change_links(branch.relation.through, branch.relation.ends, add, drop)
