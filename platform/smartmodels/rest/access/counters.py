"""Where requests are counted. A counter counts one thing after another and stops at the first that is full.

So whoever is over their own limit takes nothing from what the namespace as a whole may ask. Ten slots make a
window, and one more is the part that is passing: the slots that a window touches are counted whole, so that
no window of any position holds more than the limit; what was granted counts for at most a tenth longer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.cache import caches
from django.db import connection

from smartmodels.context import current_namespace

__all__ = ["SLOTS", "CacheCounter", "Count", "Counter", "PostgresCounter", "Wanted"]

_CACHE = "limits"

SLOTS = 10
"""The parts of a window; one begins anew when the next one does. ``rates.sql`` knows the number as well."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One limit: at most ``most`` requests in any ``seconds`` on end, counted under ``key``."""

    name: str
    key: str
    most: int
    seconds: int

    def slot(self, now: float) -> int:
        """Return the number of the slot, a part of the window, in which a moment lies."""
        return int(now * SLOTS / self.seconds)

    def until_free(self, slot: int, oldest: int, now: float) -> int:
        """Return in how many seconds what was counted ``oldest`` slots before ``slot`` counts no more."""
        return max(1, math.ceil((slot - oldest + SLOTS + 1) * self.seconds / SLOTS - now))


@dataclass(frozen=True, slots=True)
class Count:
    """How many were counted in the window, this one included, and in how many seconds some of it is over."""

    wanted: Wanted
    used: int
    ends_in: int

    @property
    def is_over(self) -> bool:
        """Tell whether this request is one too many."""
        return self.used > self.wanted.most


class Counter(Protocol):
    """What ``SMARTMODELS_RATE_COUNTER`` names; keys of two namespaces never meet."""

    def count(self, wanted: Sequence[Wanted]) -> list[Count]:
        """Count a request under each limit until one is exceeded; that one is the last in the answer.

        What is refused is not counted: who keeps asking is let in again when the window has moved on.
        """
        ...


class CacheCounter:
    """Counts in the cache ``limits``, by its atomic ``incr``: no statement is sent to the database.

    With the cache in memory (Django's LocMemCache) every process counts for itself, so a server of several
    processes admits as many times the limit. With a cache that processes share the numbers are exact, but
    for requests that are under way while one slot follows another.
    """

    def count(self, wanted: Sequence[Wanted]) -> list[Count]:
        """Count a request in the cache."""
        now, counts = time.time(), []
        for each in wanted:
            counts.append(self._count(each, now))
            if counts[-1].is_over:
                break
        return counts

    def _count(self, wanted: Wanted, now: float) -> Count:
        slot = wanted.slot(now)
        keys = [f"{wanted.key}:{wanted.seconds}:{slot - back}" for back in range(SLOTS + 1)]
        # Who asks in this slot is numbered; of the slots before, what was granted counts.
        number = self._one_more(f"{keys[0]}:asked", wanted)
        granted = caches[_CACHE].get_many(keys[1:])
        used = min(sum(granted.values()) + number, wanted.most + 1)
        if used <= wanted.most:
            self._one_more(keys[0], wanted)
        oldest = max((back for back, key in enumerate(keys) if granted.get(key)), default=0)
        return Count(wanted, used, wanted.until_free(slot, oldest, now))

    @staticmethod
    def _one_more(key: str, wanted: Wanted) -> int:
        cache = caches[_CACHE]
        try:
            return int(cache.incr(key))
        except ValueError:  # the first of its slot, maybe along with others
            cache.add(key, 0, timeout=2 * wanted.seconds)
        try:
            return int(cache.incr(key))
        except ValueError:  # a cache that keeps nothing
            return 1


_COUNT = "SELECT asked, slot, used, at FROM public.smartmodels_count(%s::text[], %s::int[], %s::int[])"


class PostgresCounter:
    """Counts in a table of the database, which all processes share: one statement for each request.

    Counting waits for nobody but those who count under the same key, for as long as that statement takes.
    """

    def count(self, wanted: Sequence[Wanted]) -> list[Count]:
        """Count a request in the database, by one statement."""
        home: Any = current_namespace()
        where = "public" if home is None else str(home.pk)
        keys = [f"{where}:{each.key}:{each.seconds}"[:120] for each in wanted]
        with connection.cursor() as cursor:
            limits = [each.seconds for each in wanted], [each.most for each in wanted]
            cursor.execute(_COUNT, [keys, *limits])
            rows = cursor.fetchall()
        return [
            Count(each, asked, each.until_free(slot, _oldest(used), now))
            for each, (asked, slot, used, now) in zip(wanted, rows, strict=False)
        ]


def _oldest(used: Sequence[int]) -> int:
    """Return how many slots ago the first of what counts was counted."""
    return max((back for back, number in enumerate(used) if number), default=0)
