"""One row of a request that writes many: what was sent for it, where it stood, what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from smartmodels.rest.faults import Fault, faults_of, pointer_to
from smartmodels.rest.problems import Problem, Refused

__all__ = ["NOTHING", "Item", "faulty", "items_of", "refuse_faulty"]

_SHOWN = 10_000


NOTHING: Mapping[str, Any] = MappingProxyType({})
"""Shared by all items that have none: a thousand items are to be a thousand objects, not six thousand."""


def _nothing() -> Mapping[str, Any]:
    return NOTHING


@dataclass(slots=True, eq=False)
class Item:
    """What is to become of one row; ``place`` is where it stands in the body, by names and numbers.

    ``given`` holds the values that were read, ``changed`` the fields that differ from what ``row`` held.
    ``wave`` orders changes that hand a unique value on: those of one wave are written together. ``same_as``
    is an earlier item that makes the row of this one. ``nested`` is what was sent for rows below or above it;
    ``aliases`` are the names that its fields bear where they were sent.
    """

    place: tuple[Any, ...]
    data: Any = None
    row: Any = None
    adding: bool = True
    partial: bool = False
    given: Mapping[str, Any] = field(default_factory=_nothing)
    fixed: Mapping[str, Any] = field(default_factory=_nothing)
    changed: Mapping[str, Any] = field(default_factory=_nothing)
    wave: int = 0
    status: int = 0
    faults: tuple[Fault, ...] = ()
    same_as: Item | None = None
    nested: Mapping[str, Any] = field(default_factory=_nothing)
    aliases: Mapping[str, str] = field(default_factory=_nothing)

    @property
    def index(self) -> int | None:
        """Return the number of the row in the array; None outside of one."""
        return self.place[0] if self.place and isinstance(self.place[0], int) else None

    def refuse(self, code: str, detail: str, *names: Any, status: int = 400) -> None:
        """Note one mistake, at this row or at a place in it."""
        self._note(Fault(code, detail, pointer=pointer_to(*names)))
        self.status = self.status or status

    def refuse_all(self, detail: Any) -> None:
        """Note what a serializer says is wrong."""
        for fault in faults_of(detail):
            self._note(fault)
        self.status = self._status()

    def refuse_as(self, problem: Problem) -> None:
        """Note why the database, or a rule of the model, refuses the row."""
        for fault in problem.errors or (Fault(problem.code, problem.detail),):
            self._note(fault)
        self.status = problem.status

    def _note(self, fault: Fault) -> None:
        first, *rest = (fault.pointer or "").lstrip("/").split("/")
        inside = "/".join([self.aliases.get(first, first), *rest])
        pointer = pointer_to(*self.place) + (f"/{inside}" if inside else "")
        self.faults += (Fault(fault.code, fault.detail, pointer=pointer, index=self.index),)

    def settle(self, status: int) -> None:
        """Take over what became of the item that this one is the same as; else it is done."""
        if self.same_as is not None:
            self.row, self.faults = self.same_as.row, self.same_as.faults
            status = self.same_as.status if self.faults else 200
        self.status = self.status or status

    def _status(self) -> int:
        return 409 if self.faults and all(fault.code == "unique" for fault in self.faults) else 400


def items_of(rows: Sequence[Any], **options: Any) -> list[Item]:
    """Return one item per element of an array."""
    return [Item((number,), data, **options) for number, data in enumerate(rows)]


def faulty(items: Iterable[Item]) -> list[Item]:
    """Return the items that are refused."""
    return [item for item in items if item.faults]


def refuse_faulty(items: Iterable[Item]) -> None:
    """Raise Refused with every fault of every item, if there is any.

    The status is that of the rows if it is the same for all of them, else 400.
    """
    refused = faulty(items)
    if not refused:
        return
    statuses = {item.status for item in refused}
    status = statuses.pop() if len(statuses) == 1 else 400
    faults = tuple(fault for item in refused for fault in item.faults)
    codes = {fault.code for fault in faults}
    code = codes.pop() if len(codes) == 1 and status != 400 else "invalid-input"
    rows = "1 row is" if len(refused) == 1 else f"{len(refused)} rows are"
    detail = faults[0].detail if len(faults) == 1 else f"{rows} refused: see `errors`."
    raise Refused(Problem(status, code, f"Nothing was written. {detail}", faults, shown=_SHOWN))
