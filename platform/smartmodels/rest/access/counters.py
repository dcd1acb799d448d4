"""Where requests are counted. A counter counts one thing after another and stops at the first that is full.

So whoever is over their own limit takes nothing from what the namespace as a whole may ask.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.cache import caches
from django.db import connection

from smartmodels.context import current_namespace
from smartmodels.tenancy.rates import get_rate_model

__all__ = ["CacheCounter", "Count", "Counter", "PostgresCounter", "Wanted"]

_CACHE = "limits"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One limit: at most ``most`` requests in each window of ``seconds``, counted under ``key``."""

    name: str
    key: str
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many were counted in the window, this one included, and in how many seconds that ends."""

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
        """Count a request under each limit until one is exceeded; that one is the last in the answer."""
        ...


class CacheCounter:
    """Counts in the cache ``limits``, by its atomic ``incr``: no statement is sent to the database.

    With the cache in memory (Django's LocMemCache) every process counts for itself, so a server of several
    processes admits as many times the limit. With a cache that processes share the numbers are exact.
    """

    def count(self, wanted: Sequence[Wanted]) -> list[Count]:
        """Count a request in the cache."""
        now, counts = time.time(), []
        for each in wanted:
            window, into = divmod(now, each.seconds)
            counts.append(Count(each, self._one_more(each, int(window)), max(1, int(each.seconds - into))))
            if counts[-1].is_over:
                break
        return counts

    @staticmethod
    def _one_more(wanted: Wanted, window: int) -> int:
        cache, key = caches[_CACHE], f"{wanted.key}:{window}"
        try:
            return int(cache.incr(key))
        except ValueError:  # the first of its window, maybe along with others
            cache.add(key, 0, timeout=2 * wanted.seconds)
        try:
            return int(cache.incr(key))
        except ValueError:  # a cache that keeps nothing
            return 1


# The clock is the server's, so that all processes agree on the window. Whoever looks back (the clock was set)
# goes on in the newer one.
_ONE = """INSERT INTO public.{table} AS t (key, begun, used)
    SELECT %s, floor(extract(epoch FROM clock_timestamp()) / %s)::bigint * %s, 1 {when}
    ON CONFLICT (key) DO UPDATE SET begun = greatest(t.begun, EXCLUDED.begun),
        used = CASE WHEN t.begun >= EXCLUDED.begun THEN t.used + 1 ELSE 1 END
    RETURNING used, begun"""


_ALL = """WITH {parts} SELECT used, begun, extract(epoch FROM clock_timestamp())::float
    FROM ({rows}) AS counted ORDER BY place"""
_ROW = "SELECT {place} AS place, used, begun FROM c{place}"


def _statement(table: str, number: int) -> str:
    """Return the one statement that counts so many limits, each only while those before are not full."""
    places = range(number)
    parts = (f"c{place} AS ({_ONE.format(table=table, when=_unless_full(place))})" for place in places)
    rows = (_ROW.format(place=place) for place in places)
    return _ALL.format(parts=", ".join(parts), rows=" UNION ALL ".join(rows))


def _unless_full(place: int) -> str:
    return "" if place == 0 else f"FROM c{place - 1} WHERE c{place - 1}.used <= %s"


class PostgresCounter:
    """Counts in a table of the database, which all processes share: one statement for each request.

    Counting waits for nobody but those who count under the same key, for as long as that statement takes.
    """

    def count(self, wanted: Sequence[Wanted]) -> list[Count]:
        """Count a request in the database, by one statement."""
        home: Any = current_namespace()
        where = "public" if home is None else str(home.pk)
        parameters: list[Any] = []
        for place, each in enumerate(wanted):
            full = [] if place == 0 else [wanted[place - 1].most]
            parameters += [f"{where}:{each.key}"[:120], each.seconds, each.seconds, *full]
        with connection.cursor() as cursor:
            cursor.execute(_statement(get_rate_model()._meta.db_table, len(wanted)), parameters)
            rows = cursor.fetchall()
        return [
            Count(each, used, max(1, int(begun + each.seconds - now)))
            for each, (used, begun, now) in zip(wanted, rows, strict=False)
        ]
