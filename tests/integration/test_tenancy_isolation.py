"""Many readers, one answer each: whatever runs at once or goes wrong, a namespace sees its own rows only."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from django.db import DatabaseError, connection, connections, transaction

from smartmodels.context import current_namespace, namespace_scope
from tenant_apps.research.models import Study
from tests.support.reads import READS, chooser, count_wrong, wrong_rows

Pair = tuple[Any, Any]


class Undone(Exception):
    """Raised on purpose, to make a block roll back."""


@pytest.fixture(params=[False, True], ids=["session", "pooler"])
def mode(request: pytest.FixtureRequest, settings: Any) -> bool:
    """Both ways in which the engine settles the path."""
    settings.SMARTMODELS_POOLER = request.param
    return bool(request.param)


# Threads


def test_reads__in_a_thread_pool__see_their_own_rows(committing: Any, mode: bool, pair: Pair) -> None:
    """Four threads keep their connections while the namespaces they work for change with every task."""
    together = threading.Barrier(4)

    def leave(_: int) -> None:
        together.wait()
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        chosen = chooser(4)
        wrong = sum(pool.map(wrong_rows, [chosen.choice(pair) for _ in range(READS)]))
        list(pool.map(leave, range(4)))
    assert wrong == 0


def test_scope__in_a_new_thread__is_unbound(pair: Pair) -> None:
    """What one thread binds, another does not inherit."""
    seen: list[Any] = []
    with namespace_scope(pair[0]):
        thread = threading.Thread(target=lambda: seen.append(current_namespace()))
        thread.start()
        thread.join()
    assert seen == [None]


# Tasks


async def _wrong_in_task(namespace: Any, reads: int) -> int:
    wrong = 0
    for _ in range(reads):
        async with namespace_scope(namespace):
            await asyncio.sleep(0)
            wrong += count_wrong(namespace, [study.code async for study in Study.objects.all()])
            await asyncio.sleep(0)
    return wrong


def test_reads__in_interleaved_tasks_on_one_connection__see_their_own_rows(
    committing: Any, mode: bool, pair: Pair
) -> None:
    """Twenty tasks take turns at every await and share the connection of one thread."""

    async def main() -> int:
        return sum(await asyncio.gather(*(_wrong_in_task(pair[n % 2], READS // 20) for n in range(20))))

    assert async_to_sync(main)() == 0


def test_reads__in_tasks_with_threads_of_their_own__see_their_own_rows(
    committing: Any, mode: bool, pair: Pair
) -> None:
    """Tasks run as an ASGI server runs requests: each with a thread for its synchronous parts."""

    async def request(namespace: Any) -> int:
        async with ThreadSensitiveContext(), namespace_scope(namespace):
            wrong = 0
            for _ in range(READS // 10):
                wrong += await sync_to_async(wrong_rows)(namespace)
                await asyncio.sleep(0)
                wrong += count_wrong(namespace, [study.code async for study in Study.objects.all()])
            await sync_to_async(connections.close_all)()
        return wrong

    async def main() -> int:
        return sum(await asyncio.gather(*(request(pair[n % 2]) for n in range(10))))

    assert asyncio.run(main()) == 0


# Nesting and failing


def test_reads__in_scopes_nested_deeply__see_their_own_rows(committing: Any, mode: bool, pair: Pair) -> None:
    """A function that calls itself in the other namespace reads before and after each call."""

    def descend(depth: int) -> int:
        here = pair[depth % 2]
        with namespace_scope(here):
            before = count_wrong(here, Study.objects.values_list("code", flat=True))
            deeper = descend(depth - 1) if depth else 0
            return before + deeper + count_wrong(here, Study.objects.values_list("code", flat=True))

    assert sum(descend(100) for _ in range(READS // 200)) == 0


def test_reads__after_exceptions__see_their_own_rows(committing: Any, mode: bool, pair: Pair) -> None:
    """A scope left by an exception leaves nothing bound behind."""
    outer, inner = pair
    wrong = 0
    for _ in range(READS // 2):
        with namespace_scope(outer):
            with suppress(Undone), namespace_scope(inner):
                wrong += count_wrong(inner, Study.objects.values_list("code", flat=True))
                raise Undone
            wrong += count_wrong(outer, Study.objects.values_list("code", flat=True))
    assert wrong == 0


def test_reads__after_savepoint_rollback__see_their_own_rows(committing: Any, mode: bool, pair: Pair) -> None:
    """PostgreSQL takes back a SET made inside a savepoint that is rolled back; the engine knows."""
    chosen = chooser(5)
    wrong = 0
    for _ in range(READS // 2):
        outer, inner = chosen.sample(pair, 2)
        with transaction.atomic():
            wrong += wrong_rows(outer) if chosen.random() < 0.5 else 0
            with suppress(Undone), transaction.atomic():
                wrong += wrong_rows(inner)
                raise Undone
            wrong += wrong_rows(chosen.choice(pair))
    assert wrong == 0


def test_reads__after_rollback__see_their_own_rows(committing: Any, mode: bool, pair: Pair) -> None:
    """A SET made inside a transaction that is rolled back is gone, too."""
    chosen = chooser(6)
    wrong = 0
    for _ in range(READS // 2):
        with suppress(Undone), transaction.atomic():
            wrong += wrong_rows(chosen.choice(pair))
            raise Undone
        wrong += wrong_rows(chosen.choice(pair))
    assert wrong == 0


def _fail() -> None:
    with suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT 1/0")


def test_reads__after_an_error_swallowed_in_a_transaction__see_their_own_rows(
    committing: Any, mode: bool, pair: Pair
) -> None:
    """PostgreSQL answers COMMIT of a failed transaction by a rollback and no error; the SET is gone."""
    chosen = chooser(7)
    wrong = 0
    for _ in range(READS // 2):
        with transaction.atomic(), namespace_scope(chosen.choice(pair)) as namespace:
            wrong += wrong_rows(namespace)
            _fail()
        wrong += wrong_rows(chosen.choice(pair))
    assert wrong == 0


def test_reads__after_a_failed_first_statement__see_their_own_rows(
    committing: Any, mode: bool, pair: Pair
) -> None:
    """A statement that fails takes back the SET that travelled with it."""
    wrong = 0
    for number in range(READS):
        with namespace_scope(pair[number % 2]):
            _fail()
        wrong += wrong_rows(pair[number // 2 % 2])
    assert wrong == 0


# Server-side cursors


def _stream(namespace: Any) -> Iterator[str]:
    rows = None
    while True:
        with namespace_scope(namespace):
            rows = rows or Study.objects.order_by("code").iterator(chunk_size=1)
            study = next(rows, None)
        if study is None:
            return
        yield study.code


def test_reads__through_server_side_cursors_in_turn__see_their_own_rows(
    committing: Any, mode: bool, pair: Pair
) -> None:
    """Two cursors, one per namespace, are read in turn on one connection."""
    wrong = 0
    for number in range(READS // 6):
        with ExitStack() as stack:
            if number % 2:
                stack.enter_context(transaction.atomic())
            streams = zip(_stream(pair[0]), _stream(pair[1]), strict=True)
            first, second = zip(*streams, strict=True)
            wrong += count_wrong(pair[0], first) + count_wrong(pair[1], second)
    assert wrong == 0


# Everything at once


class Program:
    """Random blocks within blocks, with a read between any two of them."""

    def __init__(self, seed: int, pair: Pair) -> None:
        self.chosen = chooser(seed)
        self.pair = pair
        self.reads = self.wrong = 0

    def run(self, depth: int = 0) -> None:
        """Do a few things, of which most do a few things themselves."""
        blocks = [self._scope, self._commit, self._roll_back, self._fail_inside, self._stream, self._leave]
        for _ in range(self.chosen.randint(1, 3)):
            self._read()
            if depth < 5:
                self.chosen.choice(blocks)(depth + 1)
        self._read()

    def _read(self) -> None:
        self.reads += 1
        self.wrong += wrong_rows(self.chosen.choice(self.pair))

    def _scope(self, depth: int) -> None:
        namespace = self.chosen.choice(self.pair)
        with namespace_scope(namespace):
            self.run(depth)
            self.wrong += count_wrong(namespace, Study.objects.values_list("code", flat=True))

    def _commit(self, depth: int) -> None:
        with transaction.atomic():
            self.run(depth)

    def _roll_back(self, depth: int) -> None:
        with suppress(Undone), transaction.atomic():
            self.run(depth)
            raise Undone

    def _fail_inside(self, depth: int) -> None:
        if connection.in_atomic_block:
            with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                self._read()
                cursor.execute("SELECT 1/0")
        else:
            with transaction.atomic():
                self.run(depth)
                _fail()

    def _stream(self, depth: int) -> None:
        namespace = self.chosen.choice(self.pair)
        with namespace_scope(namespace):
            rows = [study.code for study in Study.objects.iterator(chunk_size=1)]
        self.wrong += count_wrong(namespace, rows)

    def _leave(self, depth: int) -> None:
        if not connection.in_atomic_block:
            connection.close()


def test_reads__in_random_programs__see_their_own_rows(committing: Any, mode: bool, pair: Pair) -> None:
    """Scopes, transactions, savepoints, failures, cursors and reconnections in every order."""
    programs = []
    while sum(program.reads for program in programs) < READS:
        programs.append(Program(len(programs), pair))
        programs[-1].run()
    assert sum(program.wrong for program in programs) == 0
