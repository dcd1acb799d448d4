"""Whoever wants to know which rows a statement of the ORM wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Follower", "follow_writes", "follower_of"]


@dataclass(frozen=True, slots=True)
class Follower:
    """What is to be told of each statement that writes to a table: the values of ``field`` in its rows."""

    field: Any
    tell: Callable[[Iterable[Any], str], None]


_find: Callable[[Any], Follower | None] | None = None


def follow_writes(find: Callable[[Any], Follower | None]) -> None:
    """Let ``find`` say who follows the writes of a model, if anybody does; a room above registers it once."""
    global _find  # noqa: PLW0603 - this room may not import those above
    _find = find


def follower_of(model: Any) -> Follower | None:
    """Return who follows the writes of a model."""
    return None if _find is None or model is None else _find(model)
