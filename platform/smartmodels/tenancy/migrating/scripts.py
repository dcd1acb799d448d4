"""What was recorded of migrations, for the schemas that follow."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from smartmodels.tenancy.migrating.recording import Script
from smartmodels.tenancy.migrating.states import Key, SchemaState

__all__ = ["Place", "Scripts", "place_of"]

Place = tuple[str, Key]
"""Where a script belongs: the fingerprint of the state it starts from, and the migration."""


def place_of(state: SchemaState, keys: tuple[Key, ...]) -> Place:
    """Return where the script of the migration that is recorded as these keys belongs."""
    return state.fingerprint, keys[-1]


class Scripts:
    """What was recorded, by its place; shared by all threads of a run."""

    def __init__(self) -> None:
        self._known: dict[Place, Script | None] = {}
        self._guard = threading.Lock()
        self._turns: dict[Place, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def turn(self, place: Place) -> Iterator[bool]:
        """Wait for whoever records this; tell whether it is known. One that fails leaves it to the next."""
        with self._guard:
            turn = self._turns[place]
        with turn:
            if place not in self._known:
                yield False
                return
        yield True

    def put(self, place: Place, script: Script | None) -> None:
        """Keep what was recorded; None says that the migration is more than statements."""
        self._known[place] = script

    def get(self, place: Place) -> Script | None:
        """Return what was recorded; None if nothing was, or nothing that can be replayed."""
        return self._known.get(place)
