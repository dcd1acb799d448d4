"""Which namespace is bound: per thread, per task, per block."""

import asyncio
import threading
from typing import Any

import pytest

from smartmodels.context import (
    current_namespace,
    current_schema,
    namespace_scope,
    public_scope,
    require_namespace,
)
from smartmodels.exceptions import NamespaceNotBound
from smartmodels.tenancy.cache import make_key
from tests.support.places import Place

A, B = Place("a"), Place("b")


def test_namespace__at_first__is_none() -> None:
    """Nothing is bound by itself."""
    assert (current_namespace(), current_schema()) == (None, None)


def test_scope__entered__binds_its_namespace() -> None:
    """And gives it to the block."""
    with namespace_scope(A) as bound:
        assert (bound, current_namespace(), current_schema()) == (A, A, "t_a_0")


def test_scope__left__restores_what_was_bound() -> None:
    """Scopes nest."""
    with namespace_scope(A):
        with namespace_scope(B):
            pass
        assert current_namespace() == A
    assert current_namespace() is None


def test_scope__left_by_an_exception__restores_what_was_bound() -> None:
    """Whatever happens inside."""
    with namespace_scope(A):
        with pytest.raises(ZeroDivisionError), namespace_scope(B):
            _ = 1 / 0
        assert current_namespace() == A


def test_public_scope__inside_a_namespace__unbinds() -> None:
    """For what lives in public alone."""
    with namespace_scope(A):
        with public_scope():
            assert current_namespace() is None
        assert current_namespace() == A


def test_scope__entered_twice__is_refused() -> None:
    """One object remembers one outer scope: a shared one would mix them up."""
    scope = namespace_scope(A)
    with scope, pytest.raises(RuntimeError, match="fresh one"), scope:
        pass


def test_scope__refused__does_not_unbind() -> None:
    """The refused second entry leaves the first as it was."""
    scope = namespace_scope(A)
    with scope:
        with pytest.raises(RuntimeError), scope:
            pass
        assert current_namespace() == A


def test_scope__left_without_being_entered__changes_nothing() -> None:
    """As contextlib's managers do."""
    with namespace_scope(A):
        namespace_scope(B).__exit__(None, None, None)
        assert current_namespace() == A


def test_require__with_nothing_bound__says_what_to_do() -> None:
    """The named error."""
    with pytest.raises(NamespaceNotBound, match="namespace_scope"):
        require_namespace()


def test_require__in_a_scope__gives_the_namespace() -> None:
    """The bound one."""
    with namespace_scope(A):
        assert require_namespace() == A


def test_thread__started_in_a_scope__is_unbound() -> None:
    """Threads inherit nothing."""
    seen: list[Any] = []
    with namespace_scope(A):
        thread = threading.Thread(target=lambda: seen.append(current_namespace()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_task__started_in_a_scope__inherits_it() -> None:
    """Tasks take a copy of what was bound when they were made."""

    async def main() -> Any:
        async with namespace_scope(A):
            task = asyncio.create_task(_see())
        return await task

    assert asyncio.run(main()) == A


async def _see() -> Any:
    await asyncio.sleep(0)
    return current_namespace()


def test_task__binding__leaves_its_siblings_alone() -> None:
    """A copy: what one task binds, no other sees, however they take turns."""

    async def work(place: Place) -> bool:
        async with namespace_scope(place):
            for _ in range(50):
                await asyncio.sleep(0)
                if current_namespace() != place:
                    return False
        return current_namespace() is None

    async def main() -> list[bool]:
        return await asyncio.gather(*(work(Place(f"p{number}")) for number in range(20)))

    assert all(asyncio.run(main()))


def test_generator__resumed_elsewhere__runs_in_the_scope_of_who_resumes_it() -> None:
    """Generators have no context of their own, so nothing is promised but that nothing leaks."""

    def codes() -> Any:
        while True:
            yield current_schema()

    seen = codes()
    with namespace_scope(A):
        first = next(seen)
    assert (first, next(seen)) == ("t_a_0", None)


# Cache keys


def test_cache_key__in_two_namespaces__differs() -> None:
    """One name, three values: of A, of B, of nobody."""
    keys = {make_key("name", "", 1)}
    for place in (A, B):
        with namespace_scope(place):
            keys.add(make_key("name", "", 1))
    assert len(keys) == 3


def test_cache_key__that_spells_anothers__is_not_it() -> None:
    """The schema stands first and holds no colon."""
    with namespace_scope(A):
        theirs = make_key("name", "", 1)
    assert make_key(theirs, "", 1) != theirs
    assert make_key("name", "", 1).partition(":")[0] == "public"
