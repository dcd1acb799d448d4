"""What a schema is made of: pieces, each with the statement that makes it."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from smartmodels.tenancy.template.errors import TemplateUnusable
from smartmodels.tenancy.triggers import literal

__all__ = ["Found", "Key", "Piece", "Stage", "options_clause"]


class Key(NamedTuple):
    """An object of PostgreSQL's catalogue, as pg_depend and pg_description name it."""

    catalogue: str
    oid: int
    part: int = 0


class Stage(IntEnum):
    """When a piece is made: what needs rows or indexes to be there comes after them, triggers come last."""

    MAKE = 0
    FOLLOW = 1
    ROWS = 2
    INDEX = 3
    ATTACH = 4
    LINK = 5
    SETTLE = 6
    TRIGGER = 7


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece: its kind and name (as people know it) and its SQL, with names of its schema unqualified.

    ``of`` names the table that a column or constraint is written in; ``tail`` is what follows the
    parentheses of a table. ``key`` is given where other pieces may have to wait for this one.
    """

    kind: str
    name: str
    sql: str
    stage: Stage = Stage.SETTLE
    of: str | None = None
    tail: str = ""
    key: Key | None = None

    @property
    def title(self) -> str:
        """Return what the piece is known by."""
        return f"{self.kind} {self.name}"

    @property
    def definition(self) -> str:
        """Return what is compared."""
        return self.sql + self.tail


@dataclass(slots=True)
class Found:
    """What was read of one schema so far; ``targets`` says how each object is named in SQL."""

    cursor: Any
    schema: str
    oid: int
    pieces: list[Piece] = field(default_factory=list)
    targets: dict[Key, str] = field(default_factory=dict)

    def rows(self, query: str, **values: Any) -> list[Any]:
        """Return the rows of a query, as named tuples; ``%(schema)s`` in it is the schema's oid."""
        self.cursor.execute(query, {"schema": self.oid, **values})
        row = namedtuple("row", [column.name for column in self.cursor.description])  # type: ignore[misc] # noqa: PYI024
        return [row(*values) for values in self.cursor.fetchall()]

    def add(self, piece: Piece) -> None:
        """Keep a piece."""
        self.pieces.append(piece)

    def refuse(self, what: Iterable[str]) -> None:
        """Raise TemplateUnusable if there is anything that a script cannot make again."""
        named = ", ".join(what)
        if named:
            raise TemplateUnusable(
                f"The schema cannot be recorded, because a script cannot make this again: {named}. "
                "Namespaces are made by migrations, which takes longer.",
                objects=named,
            )


def options_clause(options: Sequence[str] | None, prefix: str = "") -> list[str]:
    """Return storage options, kept as ``name=value``, as SQL."""
    pairs = (option.partition("=") for option in options or ())
    return [f"{prefix}{name}={literal(value)}" for name, _, value in pairs]
