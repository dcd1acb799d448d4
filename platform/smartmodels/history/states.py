"""Rows as they were in a version, as they are now, and what a run of versions changed in them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from django.db import models

__all__ = ["ABSENT", "Delta", "Existence", "RowState", "fold", "plain", "same"]

Existence = Literal["living", "deleted", "absent"]


@dataclass(frozen=True, slots=True)
class RowState:
    """A row at some time: values by column name, keys of what it is linked to by field name.

    ``version`` is the number of the version that says so, None for the row as it is now. ``begins`` tells
    that the row did not exist before that version, ``was`` what it seems to have been otherwise; ``erased``
    that values of the version were overwritten, so that what it says is not what was.
    """

    existence: Existence
    values: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, frozenset[Any]] = field(default_factory=dict)
    version: int | None = None
    segment: Any = None
    begins: bool = False
    was: Existence = "absent"
    erased: bool = False


ABSENT = RowState("absent")


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same; a number that is none is the same as another such."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return bool(one == other)


def plain(column: Any, value: Any) -> Any:
    """Return the value as Python knows it: JSON is compared as text and shown as what it says."""
    if isinstance(column, models.JSONField) and isinstance(value, str):
        return json.loads(value, cls=column.decoder)
    return value


@dataclass(slots=True)
class Delta:
    """What the selected versions changed on balance: for each part, what it was before and after.

    A part that somebody else changed later than the selected versions is not among them any more.
    ``fields`` maps a column to (value before, version that says so, value after), ``links`` a field and
    key to whether the link was there before and after; ``others`` are columns that others changed.
    ``unclear`` are columns of which an erased version hides whether others changed them.
    """

    existence: tuple[RowState, Existence] | None = None
    fields: dict[str, tuple[Any, int | None, Any]] = field(default_factory=dict)
    links: dict[tuple[str, Any], tuple[bool, bool]] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    unclear: set[str] = field(default_factory=set)

    def add(self, older: RowState, newer: RowState, columns: Iterable[str], *, selected: bool) -> None:
        """Count in the step from one version to the next."""
        if older.existence != newer.existence:
            base = older if self.existence is None else self.existence[0]
            self.existence = (base, newer.existence) if selected else None
        if "absent" in (older.existence, newer.existence):
            return
        for name in columns:
            if not same(older.values[name], newer.values[name]):
                self._field(name, older, newer, selected=selected)
        for name, keys in newer.links.items():
            for key in keys ^ older.links.get(name, frozenset()):
                self._link(name, key, key in keys, selected=selected)

    def _field(self, name: str, older: RowState, newer: RowState, *, selected: bool) -> None:
        if selected:
            base, source, _ = self.fields.get(name, (older.values[name], older.version, None))
            self.fields[name] = (base, source, newer.values[name])
        else:
            if self.fields.pop(name, None) is not None and (older.erased or newer.erased):
                self.unclear.add(name)
            self.others.add(name)

    def _link(self, name: str, key: Any, linked: bool, *, selected: bool) -> None:
        if selected:
            base, _ = self.links.get((name, key), (not linked, linked))
            self.links[name, key] = (base, linked)
        else:
            self.links.pop((name, key), None)
            self.others.add(name)

    def settle(self) -> None:
        """Forget what came back by itself."""
        if self.existence is not None and self.existence[0].existence == self.existence[1]:
            self.existence = None
        self.fields = {name: each for name, each in self.fields.items() if not same(each[0], each[2])}
        self.links = {place: each for place, each in self.links.items() if each[0] != each[1]}


def fold(states: Iterable[tuple[RowState, bool]], columns: Iterable[str]) -> Delta:
    """Return what the selected of the versions changed; the first state is the one before all of them.

    Each state comes with whether it is selected; ``columns`` are those that count.
    """
    delta, counted = Delta(), tuple(columns)
    for (older, _), (newer, selected) in pairwise(states):
        delta.add(older, newer, counted, selected=selected)
    delta.settle()
    return delta
