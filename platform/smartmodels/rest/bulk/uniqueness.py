"""What must be unique, for many rows at once: one query per group of fields, and the rows among themselves.

Rows are judged in their order, as if they were written one after the other: a value that an earlier row
gives up is free for a later one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, UniqueConstraint

from smartmodels.querysets import among
from smartmodels.rest.bulk.conditions import test_of
from smartmodels.rest.bulk.items import Item
from smartmodels.rest.integrity import is_unique, taken
from smartmodels.tenancy.triggers import TriggerConstraint

__all__ = ["UniqueGroup", "check_unique", "groups_of", "other_constraints"]

_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class UniqueGroup:
    """Fields whose values no two rows share that meet the condition."""

    fields: tuple[str, ...]
    condition: Q | None = None

    def attributes(self, model: Any) -> tuple[str, ...]:
        """Return the attributes that hold the values."""
        return tuple(model._meta.get_field(name).attname for name in self.fields)


def groups_of(model: Any) -> Iterator[UniqueGroup]:
    """Yield what must be unique among the rows of a model, its key apart."""
    for field in model._meta.concrete_fields:
        if field.unique and not field.primary_key:
            yield UniqueGroup((field.name,))
    for fields in model._meta.unique_together:
        yield UniqueGroup(tuple(fields))
    for constraint in model._meta.constraints:
        if _is_plain(constraint):
            yield UniqueGroup(tuple(constraint.fields), constraint.condition)


def _is_plain(constraint: Any) -> bool:
    return (
        isinstance(constraint, UniqueConstraint)
        and is_unique(constraint)
        and getattr(constraint, "nulls_distinct", None) is not False
    )


def other_constraints(model: Any) -> list[Any]:
    """Return the constraints that have to be asked about each row; triggers say nothing beforehand."""
    return [
        each
        for each in model._meta.constraints
        if not _is_plain(each) and not isinstance(each, TriggerConstraint)
    ]


def check_unique(
    items: Iterable[Item], model: Any, shown: Collection[str], going: Collection[Any] = ()
) -> None:
    """Note at each item which of its values are taken.

    ``shown`` are the fields that a mistake may point at, ``going`` the keys of rows that are deleted before.
    """
    waiting = [item for item in items if not item.faults]
    ledgers = [_Ledger(group, model, going) for group in groups_of(model)]
    for ledger in ledgers:
        ledger.open(waiting)
    wave = 0
    for item in waiting:
        conflicts = [ledger for ledger in ledgers if ledger.refuses(item)]
        for ledger in conflicts:
            ledger.tell(item, shown)
        if not conflicts:
            wave += sum([ledger.enter(item) for ledger in ledgers])
            item.wave = wave


class _Ledger:
    """Who holds which values of one group."""

    def __init__(self, group: UniqueGroup, model: Any, going: Collection[Any]) -> None:
        self._group, self._model, self._going = group, model, going
        self._names = group.attributes(model)
        self._changing = frozenset(self._names)
        self._wanted: dict[Item, Any] = {}
        self._holders: dict[Any, Any] = {}
        self._released: set[Any] = set()

    def open(self, items: Iterable[Item]) -> None:
        """Read, in one query, who holds the values that the rows take."""
        counts = test_of(self._group.condition, self._model)
        for item in items:
            if item.adding or not self._changing.isdisjoint(item.changed):
                values = tuple(getattr(item.row, name) for name in self._names)
                if None not in values and counts(item.row):
                    self._wanted[item] = values
        if not self._wanted:
            return
        try:
            self._read(set(self._wanted.values()))
        except TypeError:  # values that cannot be compared quickly, such as JSON: the database tells
            self._wanted.clear()

    def _read(self, wanted: set[Any]) -> None:
        rows = self._model._default_manager.all()
        if self._group.condition is not None:
            rows = rows.filter(self._group.condition)
        columns = zip(*wanted, strict=True)
        narrowed = [
            among(self._model, name, set(values), rows.db)
            for name, values in zip(self._names, columns, strict=True)
        ]
        for pk, *values in rows.filter(*narrowed).values_list("pk", *self._names).iterator(_AT_ONCE):
            if (held := tuple(values)) in wanted and pk not in self._going:
                self._holders[held] = pk

    def refuses(self, item: Item) -> bool:
        """Tell whether another row holds what this one takes."""
        holder = self._holders.get(self._wanted.get(item))
        return holder is not None and holder != item.row.pk

    def tell(self, item: Item, shown: Collection[str]) -> None:
        """Note the conflict at the fields that clash."""
        places: list[tuple[str, ...]] = [(name,) for name in self._group.fields if name in shown] or [()]
        for place in places:
            item.refuse("unique", taken(self._model, self._group.fields), *place, status=409)

    def enter(self, item: Item) -> bool:
        """Let the row give up what it held and take what it wants; tell whether that begins a new wave."""
        if not item.adding and not self._changing.isdisjoint(item.changed):
            old = tuple(item.changed.get(name, getattr(item.row, name)) for name in self._names)
            if self._holders.get(old) == item.row.pk:
                del self._holders[old]
                self._released.add(old)
        values = self._wanted.get(item)
        if values is None:
            return False
        self._holders[values] = item.row.pk
        if values not in self._released:
            return False
        self._released = set()
        return True
