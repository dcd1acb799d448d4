"""Threads carry the namespace and the operation of whoever starts them, if they say so."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor as PlainExecutor
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from smartmodels.context import (
    Actor,
    Thread,
    ThreadPoolExecutor,
    carrying,
    current_namespace,
    current_operation,
    current_schema,
    namespace_scope,
    operation,
)
from tests.support.places import Place

JOBS = 2000
ALPHA, BETA = Place("alpha"), Place("beta")


def seen() -> tuple[str | None, str | None]:
    """The schema and the actor's label that code sees here."""
    opened = current_operation()
    return current_schema(), None if opened is None else opened.actor.label


def in_thread(kind: Callable[..., threading.Thread], work: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = kind(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_plain_thread__started_in_a_namespace__has_nothing_bound() -> None:
    """The safe default; before Python 3.14 it is the only one."""
    with namespace_scope(ALPHA), operation(actor=Actor.job("nightly")):
        assert in_thread(threading.Thread, seen) == (None, None)


def test_thread__started_in_a_namespace__carries_it() -> None:
    """And the operation with it."""
    with namespace_scope(ALPHA), operation(actor=Actor.job("nightly")):
        assert in_thread(Thread, seen) == ("t_alpha_0", "nightly")


def test_thread__of_a_subclass__carries_as_well() -> None:
    """Those who override run()."""

    class Worker(Thread):
        found: Any = None

        def run(self) -> None:
            self.found = seen()

    with namespace_scope(ALPHA):
        worker = Worker()
        worker.start()
        worker.join()
    assert worker.found == ("t_alpha_0", None)


def test_thread__made_in_one_namespace_and_started_in_another__carries_the_latter() -> None:
    """Whoever starts it is who it works for."""
    found: list[Any] = []
    with namespace_scope(ALPHA):
        thread = Thread(target=lambda: found.append(current_schema()))
    with namespace_scope(BETA):
        thread.start()
    thread.join()
    assert found == ["t_beta_0"]


def test_thread__that_binds__leaves_its_starter_alone() -> None:
    """It runs in a copy."""

    def bind() -> None:
        namespace_scope(BETA).__enter__()

    with namespace_scope(ALPHA):
        in_thread(Thread, bind)
        assert current_namespace() == ALPHA


def test_thread__started_twice__is_refused_as_ever() -> None:
    """By Python's own error."""
    thread = Thread(target=seen)
    thread.start()
    thread.join()
    with pytest.raises(RuntimeError, match="once"):
        thread.start()


def test_pool__with_2000_jobs_of_two_namespaces__never_serves_one_with_the_other_bound() -> None:
    """Workers keep nothing of the job before."""

    def work(expected: str | None) -> bool:
        found = current_schema() == expected
        namespace_scope(BETA if expected == "t_alpha_0" else ALPHA).__enter__()  # what a careless job leaves
        return found

    with ThreadPoolExecutor(max_workers=4) as pool:
        futures = []
        for number in range(JOBS):
            namespace = (ALPHA, BETA, None)[number % 3]
            with namespace_scope(namespace):
                futures.append(pool.submit(work, namespace and namespace.schema_name))
        assert all(future.result() for future in futures)


def test_pool__started_in_a_namespace__serves_a_job_of_none_with_none() -> None:
    """The namespace in which the worker was made does not stick."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        with namespace_scope(ALPHA):
            first = pool.submit(seen).result()
        assert (first, pool.submit(seen).result()) == (("t_alpha_0", None), (None, None))


def test_pool__map__carries_for_every_call() -> None:
    """Not only submit()."""
    with ThreadPoolExecutor(max_workers=2) as pool, namespace_scope(ALPHA):
        assert set(pool.map(lambda _: current_schema(), range(20))) == {"t_alpha_0"}


def test_pool__whose_job_raises__says_so() -> None:
    """As the original does."""
    with ThreadPoolExecutor(max_workers=1) as pool, pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 / 0).result()


def test_carrying__given_to_a_plain_pool__carries() -> None:
    """For executors that others make."""
    with PlainExecutor(max_workers=1) as pool, namespace_scope(ALPHA):
        assert pool.submit(carrying(seen)).result() == ("t_alpha_0", None)


def test_carrying__called_later__has_what_was_bound_when_it_was_made() -> None:
    """It is a snapshot."""
    with namespace_scope(ALPHA):
        later = carrying(seen)
    with namespace_scope(BETA):
        assert (later(), current_schema()) == (("t_alpha_0", None), "t_beta_0")


def test_carrying__called_at_once_by_many__has_a_copy_each() -> None:
    """One context cannot be entered twice."""
    barrier = threading.Barrier(4)
    with namespace_scope(ALPHA):
        together = carrying(lambda: (barrier.wait(5), current_schema())[1])
    with PlainExecutor(max_workers=4) as pool:
        found = [pool.submit(together) for _ in range(4)]
        assert [each.result() for each in found] == ["t_alpha_0"] * 4


def test_carrying__of_a_coroutine_function__is_refused() -> None:
    """It would run outside, when it is awaited."""

    async def work() -> None:
        """Do nothing."""

    with pytest.raises(TypeError, match="Tasks carry"):
        carrying(work)


def test_carrying__given_arguments__passes_them_on() -> None:
    """And the result back."""
    assert carrying(partial(max, 1))(2) == 2


def test_sync_to_async__in_a_namespace__carries_it() -> None:
    """Asgiref does so itself."""

    async def main() -> Any:
        async with namespace_scope(ALPHA), operation(actor=Actor.job("nightly")):
            return await sync_to_async(seen)()

    assert asyncio.run(main()) == ("t_alpha_0", "nightly")


def test_async_to_sync__in_a_namespace__carries_it() -> None:
    """And back."""

    async def work() -> Any:
        return seen()

    with namespace_scope(ALPHA), operation(actor=Actor.job("nightly")):
        assert async_to_sync(work)() == ("t_alpha_0", "nightly")


def test_to_thread__in_a_namespace__carries_it() -> None:
    """So does asyncio."""

    async def main() -> Any:
        async with namespace_scope(ALPHA):
            return await asyncio.to_thread(seen)

    assert asyncio.run(main()) == ("t_alpha_0", None)
