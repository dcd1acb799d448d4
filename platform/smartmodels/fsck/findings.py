"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

__all__ = ["Check", "Finding", "count_of", "keys_of"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold: its stable code, where, how many rows, in words.

    ``namespace`` is a slug, or None for what belongs to none. What is not ``mendable`` is left to people.
    """

    code: str
    namespace: str | None
    place: str
    rows: int
    what: str
    mendable: bool = True
    about: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of finding, looked for in the bound namespace or, with none bound, in what is shared.

    ``mend`` repairs what ``find`` found, inside one transaction; None where nothing is safe to do.
    """

    code: str
    find: Callable[[Any], Iterable[Finding]]
    mend: Callable[[Any, list[Finding]], None] | None = None


def keys_of(sql: str, params: Iterable[Any] = ()) -> list[Any]:
    """Return the first column of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return [row[0] for row in cursor.fetchall()]


def count_of(sql: str, params: Iterable[Any] = ()) -> int:
    """Return the number that a statement counts."""
    return int(keys_of(sql, params)[0])
