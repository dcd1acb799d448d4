"""What is sent for the rows below a row: an array, or an object that says what is to be done with which."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smartmodels.rest.bulk.items import Item
from smartmodels.rest.nested.declaring import Nested, Relation

__all__ = ["Flat", "Wish", "give_row", "key_of", "names_itself", "one_of", "take_nested", "wish_of"]

_VERBS = ("create", "update", "delete", "link", "unlink", "merge", "replace")


class Flat(dict[str, Any]):
    """The values of one nested row that were given at the level of its parent."""


def take_nested(item: Item, fields: Mapping[str, tuple[Nested, Relation]]) -> None:
    """Take what is sent for nested rows out of what is sent for the row itself."""
    if not isinstance(item.data, Mapping):
        return
    data, taken = dict(item.data), {}
    for name, (nested, relation) in fields.items():
        # A key of the row may be given as ever, by the id of the other row.
        if name in data and (isinstance(data[name], Mapping) or not relation.is_above):
            taken[name] = data.pop(name)
        elif name not in data and not nested.flat.keys().isdisjoint(data):
            flat = {alias: data.pop(alias) for alias in nested.flat.keys() & data.keys()}
            taken[name] = Flat({nested.flat[alias]: value for alias, value in flat.items()})
    item.data, item.nested = data, taken


@dataclass(slots=True)
class Wish:
    """What is to become of the rows below ``parent``: those with an ``id`` are there, the others are new.

    ``new`` are those that are said to be new, ``there`` those that are said to be there. ``replaces``: what
    is not named goes. ``delete``, ``link`` and ``unlink`` name rows by their ids.
    """

    parent: Item
    rows: list[Item] = field(default_factory=list)
    new: set[Item] = field(default_factory=set)
    there: set[Item] = field(default_factory=set)
    replaces: bool = False
    delete: list[Item] = field(default_factory=list)
    link: list[Item] = field(default_factory=list)
    unlink: list[Item] = field(default_factory=list)

    def items(self) -> Iterator[Item]:
        """Yield everything that is said about a row."""
        yield from (*self.rows, *self.delete, *self.link, *self.unlink)


def key_of(item: Item) -> uuid.UUID | None:
    """Return the key that an item names; note at the item what is none."""
    given = item.data.get("id") if isinstance(item.data, Mapping) else item.data
    try:
        if isinstance(given, str):
            return uuid.UUID(given)
    except ValueError:
        pass
    item.refuse("invalid", "The id of a row is needed.", *(("id",) if isinstance(item.data, Mapping) else ()))
    return None


def names_itself(item: Item) -> bool:
    """Tell whether an item is about a row that is there, by its key."""
    return not isinstance(item.data, Mapping) or "id" in item.data


def give_row(item: Item, row: Any, seen: set[Any], missing: str) -> None:
    """Let an item be about ``row``; refuse it where there is none, or where it is among those seen."""
    places = ("id",) if isinstance(item.data, Mapping) and "id" in item.data else ()
    item.adding, item.partial = False, True
    if isinstance(item.data, Mapping):
        item.data = {name: value for name, value in item.data.items() if name != "id"}
    else:
        item.data = {}
    if item.faults:
        return
    if row is None:
        item.refuse("does-not-exist", missing, *places)
    elif row.pk in seen:
        item.refuse("duplicate", "This row is named twice in one request.", *places)
    else:
        seen.add(row.pk)
        item.row = row


def wish_of(parent: Item, name: str, nested: Nested, mode: str) -> Wish:
    """Return what ``parent`` says of its rows of this name; note what cannot be understood."""
    given, wish = parent.nested[name], Wish(parent)
    if isinstance(given, Flat):
        wish.rows = [one_of(parent, name, nested)]
    elif isinstance(given, list):
        wish.rows = _items(parent, given, name)
        wish.replaces = (nested.mode or mode) == "replace"
    elif isinstance(given, Mapping) and given and given.keys() <= set(_VERBS):
        _take(wish, given, name)
    else:
        words = ", ".join(_VERBS)
        parent.refuse(
            "invalid", f"An array is needed, or an object of arrays with names among {words}.", name
        )
    return wish


def one_of(parent: Item, name: str, nested: Nested) -> Item:
    """Return the one row that is sent, in an object of its own or at the level of its parent."""
    given = parent.nested[name]
    if isinstance(given, Flat):
        aliases = {inner: outer for outer, inner in nested.flat.items()}
        return Item(parent.place, dict(given), aliases=aliases)
    return Item((*parent.place, name), given)


def _items(parent: Item, rows: Sequence[Any], *names: str) -> list[Item]:
    return [Item((*parent.place, *names, number), row) for number, row in enumerate(rows)]


def _take(wish: Wish, given: Mapping[str, Any], name: str) -> None:
    for verb, rows in given.items():
        if not isinstance(rows, list):
            wish.parent.refuse("invalid", "An array is needed here.", name, verb)
            continue
        items = _items(wish.parent, rows, name, verb)
        if verb in ("delete", "link", "unlink"):
            setattr(wish, verb, items)
            for item in items:
                _name_itself(item)
            continue
        wish.replaces = wish.replaces or verb == "replace"
        wish.rows += items
        wish.new |= set(items) if verb == "create" else set()
        wish.there |= set(items) if verb == "update" else set()
        for item in items:
            _refuse_misplaced(item, verb)


def _name_itself(item: Item) -> None:
    """Let an object without an id be one whose id is missing."""
    if isinstance(item.data, Mapping) and "id" not in item.data:
        item.data = {"id": None}


def _refuse_misplaced(item: Item, verb: str) -> None:
    has_id = isinstance(item.data, Mapping) and "id" in item.data
    if verb == "create" and has_id:
        item.refuse("read-only-field", "A new row gets its id from the platform: leave it out.", "id")
    if verb == "update" and not has_id:
        item.refuse("required", "The id of a row is needed.", "id")
