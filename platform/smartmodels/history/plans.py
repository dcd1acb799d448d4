"""What a revert would do: plans, their rows, and what speaks against them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from django.db import models

from smartmodels.history.states import ABSENT, Existence, RowState, plain

__all__ = ["Conflict", "Facts", "FieldChange", "RevertPlan", "RowPlan", "Step", "Strategy"]

Step = Literal["insert", "restore", "update", "delete"]
Strategy = Literal["skip", "force", "merge"]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs: its name, its label for people, the value before and after."""

    field: str
    label: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Conflict:
    """What speaks against a revert: the field it concerns (or None), a code and a sentence."""

    field: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What a revert would do to one row, and what speaks against it.

    ``step`` is ``insert`` (it was purged), ``restore``, ``update`` or ``delete``; ``base`` the number of
    its newest version when the plan was made. ``changes`` go from the value now to the one to come;
    ``sources`` names, for each column, the version it is taken from. ``notes`` speak against nothing.
    """

    model: Any
    pk: Any
    step: Step
    base: int
    now: RowState = field(repr=False, default=ABSENT)
    to: Existence = "living"
    changes: tuple[FieldChange, ...] = ()
    sources: Mapping[str, int] = field(repr=False, default_factory=dict)
    source: RowState | None = field(repr=False, default=None)
    links: Mapping[str, tuple[frozenset[Any], frozenset[Any]]] = field(repr=False, default_factory=dict)
    final: Mapping[str, Any] = field(repr=False, default_factory=dict)
    own: tuple[Conflict, ...] = field(repr=False, default=())
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[Conflict, ...] = ()
    along: bool = False

    @property
    def place(self) -> tuple[Any, Any]:
        """Return what names the row: its model and key."""
        return self.model, self.pk

    @property
    def row(self) -> Any:
        """Return the row as it is now, or as it was when it was purged; saving it is not meant."""
        state = self.now if self.now.values else self.source or self.now
        columns = {field.attname: field for field in self.model._meta.concrete_fields}
        return self.model(**{name: plain(columns[name], value) for name, value in state.values.items()})

    @property
    def label(self) -> str:
        """Return the row in the words of its model."""
        return str(self.row)

    def with_own(self, conflicts: Iterable[Conflict]) -> RowPlan:
        """Return the plan with what speaks against it whatever else is in the whole plan."""
        own = tuple(conflicts)
        return replace(self, own=own, conflicts=own)

    @property
    def columns(self) -> frozenset[str]:
        """Return the columns of the row that would be written by an update."""
        return frozenset(self.sources)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says about the surroundings of a plan.

    ``targets``: whether what rows point at lives; ``holders``: which living rows hold values that must be
    unique, by model and constraint; ``children``: rows that point at one that is to be deleted, as
    (field, child's key); ``cascades``: rows that would be deleted with others.
    """

    targets: Mapping[tuple[Any, Any], Existence] = field(default_factory=dict)
    holders: Mapping[tuple[Any, str], Mapping[tuple[Any, ...], frozenset[Any]]] = field(default_factory=dict)
    children: Mapping[tuple[Any, Any], tuple[tuple[Any, Any], ...]] = field(default_factory=dict)
    cascades: tuple[RowPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class RevertPlan:
    """What reverting a selection would do; nothing has been written yet.

    ``rows`` stand in the order of foreign keys, parents first. ``version`` is the number of the version
    to go back to, where it is about one row. ``strategy`` says how conflicts were settled; ``left`` are
    the rows that it left out.
    """

    title: str
    rows: tuple[RowPlan, ...] = ()
    facts: Facts = field(default_factory=Facts, repr=False, compare=False)
    version: int | None = None
    strategy: Strategy | None = None
    left: tuple[RowPlan, ...] = ()
    notes: tuple[Conflict, ...] = ()

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Return everything that speaks against the plan."""
        return tuple(conflict for row in self.rows for conflict in row.conflicts)

    @property
    def is_noop(self) -> bool:
        """Tell whether everything is already as it would be."""
        return not self.rows

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows each kind of step concerns."""
        found: dict[str, int] = {}
        for row in self.rows:
            found[row.step] = found.get(row.step, 0) + 1
        return found

    # A plan for one row

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """Return the changes of all rows; of interest where there is one."""
        return tuple(change for row in self.rows for change in row.changes)

    @property
    def restores(self) -> bool:
        """Tell whether a row is deleted or purged and would come back."""
        return any(row.step in ("restore", "insert") for row in self.rows)

    @property
    def base(self) -> int | None:
        """Return the number of the newest version of the row; None where there is nothing to do."""
        return self.rows[0].base if self.rows else None

    def on_base(self, number: int) -> RevertPlan:
        """Return the plan as one that was made when ``number`` was the newest version of its row."""
        return replace(self, rows=tuple(replace(row, base=number) for row in self.rows))

    def of_model(self, model: type[models.Model]) -> tuple[RowPlan, ...]:
        """Return the rows of one model."""
        return tuple(row for row in self.rows if row.model is model)
