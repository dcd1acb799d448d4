"""T2, T3: whatever the way to PostgreSQL, a namespace sees its own rows, and nobody bound sees none."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import ProgrammingError, connection, connections, transaction

from smartmodels.context import namespace_scope
from smartmodels.exceptions import NamespaceNotBound
from tenant_apps.research.models import Study
from tests.support.reads import READS, chooser, codes_of, count_wrong, wrong_rows
from tests.support.ways import WAYS, pool

Pair = tuple[Any, Any]
THREADS = 8
CODES = "SELECT code FROM research_study"


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def way(request: pytest.FixtureRequest, committing: Any, pair: Pair) -> Iterator[None]:
    """Each way to PostgreSQL in turn."""
    with request.param(committing.name):
        yield


@dataclass
class Reader:
    """Reads as a server's thread does: one namespace after the other, now and then another connection."""

    seed: int
    pair: Pair
    reads: int = 0
    wrong: int = 0
    unbound: int = 0

    def run(self, together: Barrier) -> None:
        """Read until it is enough, all threads at the same time."""
        chosen = chooser(self.seed)
        together.wait()
        while self.reads < READS:
            way = chosen.choices((self._raw, self._orm, self._transaction, self._unbound), (75, 8, 15, 2))[0]
            way(chosen)
            # Cheap where a pool takes the connection back, and a new process where none does.
            if chosen.random() < (0.1 if connection.pool else 0.003):
                connection.close()
        connections.close_all()

    def _count(self, namespace: Any, found: Any) -> None:
        self.reads += 1
        self.wrong += count_wrong(namespace, found)

    def _raw(self, chosen: Any) -> None:
        namespace = chosen.choice(self.pair)
        with namespace_scope(namespace), connection.cursor() as cursor:
            cursor.execute(CODES)
            self._count(namespace, [code for (code,) in cursor.fetchall()])

    def _orm(self, chosen: Any) -> None:
        namespace = chosen.choice(self.pair)
        with namespace_scope(namespace):
            self._count(namespace, Study.objects.values_list("code", flat=True))

    def _transaction(self, chosen: Any) -> None:
        with transaction.atomic():
            self._raw(chosen)
            with suppress(ProgrammingError), transaction.atomic():
                self._raw(chosen)
                self._unbound(chosen)
            self._raw(chosen)

    def _unbound(self, chosen: Any) -> None:
        """Read with nothing bound: refused by us, and by PostgreSQL where we cannot see it."""
        with suppress(NamespaceNotBound):
            self.unbound += len(Study.objects.all())
        with suppress(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(CODES)
            self.unbound += len(cursor.fetchall())


@pytest.mark.usefixtures("way")
def test_reads__of_eight_threads__see_their_own_rows(pair: Pair) -> None:
    """2,000 reads in each thread: none of another namespace, none with nothing bound."""
    together = Barrier(THREADS)
    readers = [Reader(seed, pair) for seed in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda reader: reader.run(together), readers))
    assert all(reader.reads >= READS for reader in readers)
    assert [(reader.wrong, reader.unbound) for reader in readers] == [(0, 0)] * THREADS


def test_requests__asynchronous_through_a_pool__see_their_own_rows(committing: Any, pair: Pair) -> None:
    """As an ASGI server runs them: each with a thread of its own, all with the same few connections."""

    async def request(namespace: Any) -> int:
        async with ThreadSensitiveContext(), namespace_scope(namespace):
            wrong = 0
            for _ in range(5):
                wrong += await sync_to_async(wrong_rows)(namespace)
                wrong += count_wrong(namespace, [study.code async for study in Study.objects.all()])
                await sync_to_async(connections.close_all)()
        return wrong

    async def main() -> int:
        return sum(await asyncio.gather(*(request(pair[number % 2]) for number in range(40))))

    with pool(most=3):
        assert asyncio.run(main()) == 0


def test_pool__connection_that_served_another_namespace__reads_the_bound_one(
    committing: Any, pair: Pair
) -> None:
    """One connection for everybody: the session goes on, what is known of it as well."""
    found, processes = [], set()
    with pool(most=1):
        for number in range(20):
            with namespace_scope(pair[number % 2]), connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_backend_pid(), code FROM ({CODES} ORDER BY code) AS codes")  # noqa: S608
                rows = cursor.fetchall()
            processes |= {process for process, _ in rows}
            found.append([code for _, code in rows] == codes_of(pair[number % 2]))
            connection.close()
    assert (found, len(processes)) == ([True] * 20, 1)
