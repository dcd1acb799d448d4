"""One unit of change: who acts, why, and under which id."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartmodels.context import Actor, Operation, current_operation, operation, require_operation
from smartmodels.exceptions import ActorRequired, InvalidInput

USER = uuid.UUID(int=7)
ANA = Actor(kind="user", label="ana@example.org", user_id=USER)
JOB = Actor(kind="job", label="nightly")


def test_operation__at_first__is_none() -> None:
    """Nothing acts by itself."""
    assert current_operation() is None


def test_operation__opened__is_current_until_left() -> None:
    """With the actor it was given."""
    with operation(actor=ANA) as opened:
        assert (current_operation(), opened.actor) == (opened, ANA)
    assert current_operation() is None


def test_operation__left_by_an_exception__is_over() -> None:
    """Whatever happens inside."""
    with pytest.raises(ZeroDivisionError), operation(actor=ANA):
        _ = 1 / 0
    assert current_operation() is None


def test_operation__without_an_actor__is_the_systems() -> None:
    """Opening one on purpose is enough."""
    with operation() as opened:
        assert opened.actor == Actor.system()


def test_operation__inside_another__keeps_its_id() -> None:
    """What one request changes can be undone together."""
    with operation(actor=ANA) as outer, operation(reason="typo") as inner:
        assert (inner.id, inner.actor, inner.reason) == (outer.id, ANA, "typo")


def test_operation__inside_another__may_have_its_own_actor() -> None:
    """What is given counts; the rest is taken from outside."""
    with operation(actor=ANA, reason="import"), operation(actor=JOB) as inner:
        assert (inner.actor, inner.reason) == (JOB, "import")


def test_operations__one_after_the_other__have_ids_that_sort() -> None:
    """By time: UUIDv7."""
    opened = []
    for _ in range(3):
        with operation() as each:
            opened.append(each.id)
    assert opened == sorted(opened)


def test_operation__entered_twice__is_refused() -> None:
    """A fresh one per block."""
    once = operation(actor=ANA)
    with once, pytest.raises(RuntimeError, match="fresh one"), once:
        pass


def test_require__with_none_open__says_what_to_do() -> None:
    """The named error."""
    with pytest.raises(ActorRequired, match="operation"):
        require_operation()


def test_require__where_it_is_not_demanded__is_the_systems(settings: Any) -> None:
    """By setting."""
    settings.SMARTMODELS_DEFAULT_REQUIRED = False
    assert require_operation().actor == Actor.system()


def test_function__decorated__runs_in_an_operation_of_its_own() -> None:
    """A fresh one per call."""

    @operation(actor=JOB)
    def work() -> Operation | None:
        return current_operation()

    first, second = work(), work()
    assert first
    assert second
    assert (first.actor, first.id != second.id, current_operation()) == (JOB, True, None)


def test_coroutine__decorated__runs_in_an_operation() -> None:
    """Across its awaits."""

    @operation(actor=JOB)
    async def work() -> Operation | None:
        await asyncio.sleep(0)
        return current_operation()

    opened = asyncio.run(work())
    assert opened
    assert opened.actor == JOB


def test_function__decorated_and_calling_itself__keeps_one_id() -> None:
    """Recursion nests like everything else."""

    @operation(actor=JOB)
    def descend(depth: int) -> set[uuid.UUID]:
        opened = current_operation()
        assert opened
        return {opened.id} | (descend(depth - 1) if depth else set())

    assert len(descend(5)) == 1


def test_async_operation__in_two_tasks__is_two() -> None:
    """Tasks do not see each other's."""

    async def work() -> uuid.UUID:
        async with operation(actor=ANA) as opened:
            await asyncio.sleep(0)
            assert current_operation() == opened
            return opened.id

    async def main() -> list[uuid.UUID]:
        return await asyncio.gather(work(), work())

    assert len(set(asyncio.run(main()))) == 2


def test_owner__of_new_rows__is_the_acting_user() -> None:
    """Rows made by a user belong to them."""
    with operation(actor=ANA) as opened:
        assert opened.owner_id == USER


def test_owner__of_new_rows_made_for_somebody__is_that_one() -> None:
    """A job that acts on behalf of a user makes the user's rows."""
    with operation(actor=JOB, on_behalf_of=ANA) as opened:
        assert opened.owner_id == USER
    assert json.loads(opened.as_setting)["label"] == "nightly on behalf of ana@example.org"


def test_setting__of_an_operation__says_what_is_known_alone() -> None:
    """What the trigger reads; nothing is said of what was not given."""
    with operation(actor=JOB) as opened:
        assert json.loads(opened.as_setting) == {"id": str(opened.id), "kind": "job", "label": "nightly"}


@given(st.text(), st.text())
def test_setting__of_any_label_and_reason__is_json_that_postgresql_takes(label: str, reason: str) -> None:
    """No NUL and no half of a surrogate pair, which jsonb refuses."""
    opened = Operation(uuid.UUID(int=1), Actor(kind="job", label=label), reason=reason)
    said = json.loads(opened.as_setting)
    assert "\x00" not in said["label"] + said["reason"]
    assert not any("\ud800" <= letter <= "\udfff" for letter in said["label"] + said["reason"])


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_setting__of_any_storable_reason__keeps_it(reason: str) -> None:
    """What can be stored is stored as it was said."""
    assert json.loads(Operation(uuid.UUID(int=1), JOB, reason=reason).as_setting)["reason"] == reason


def test_async_operation__left_by_an_exception__is_over() -> None:
    """Whatever happens inside."""

    async def main() -> Operation | None:
        with pytest.raises(ZeroDivisionError):
            async with operation(actor=ANA):
                _ = 1 / 0
        return current_operation()

    assert asyncio.run(main()) is None


def test_coroutine__decorated_and_failing__leaves_nothing_open() -> None:
    """The operation ends with the call."""

    @operation(actor=JOB)
    async def work() -> None:
        await asyncio.sleep(0)
        raise LookupError

    async def main() -> Operation | None:
        with pytest.raises(LookupError):
            await work()
        return current_operation()

    assert asyncio.run(main()) is None


def test_function__decorated_and_failing__leaves_nothing_open() -> None:
    """The operation ends with the call."""

    @operation(actor=JOB)
    def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        work()
    assert current_operation() is None


def test_generator__decorated__has_the_operation_while_it_runs_and_its_caller_has_not() -> None:
    """From its first row to its last, and between them what the caller has open."""

    @operation(actor=JOB)
    def rows() -> Iterator[Operation | None]:
        yield current_operation()
        yield current_operation()

    found = []
    for inside in rows():
        assert inside
        found.append((inside.actor, inside.id, current_operation()))
    assert found == [(JOB, found[0][1], None)] * 2


def test_generator__decorated_and_left_early__leaves_nothing_open() -> None:
    """Its own clean-up still runs in the operation."""
    closed = []

    @operation(actor=JOB)
    def rows() -> Iterator[int]:
        try:
            yield 1
        finally:
            closed.append(current_operation())

    going = rows()
    next(going)
    going.close()  # type: ignore[attr-defined]
    assert ([opened and opened.actor for opened in closed], current_operation()) == ([JOB], None)


def test_async_generator__decorated__has_the_operation_while_it_runs() -> None:
    """And its caller, between two rows, has none."""

    @operation(actor=JOB)
    async def rows() -> AsyncIterator[Operation | None]:
        yield current_operation()
        await asyncio.sleep(0)
        yield current_operation()

    async def main() -> list[Any]:
        return [(inside and inside.id, current_operation()) async for inside in rows()]

    first, second = asyncio.run(main())
    assert (first == second, first[0] is not None, first[1]) == (True, True, None)


def test_async_generators__decorated_and_interleaved__do_not_mix() -> None:
    """Each goes on in its own."""

    @operation(actor=JOB)
    async def rows() -> AsyncIterator[uuid.UUID]:
        for _ in range(3):
            opened = current_operation()
            assert opened
            yield opened.id

    async def main() -> list[set[uuid.UUID]]:
        one, two = rows(), rows()
        pairs = [(await anext(one), await anext(two)) for _ in range(3)]
        return [set(each) for each in zip(*pairs, strict=True)]

    first, second = asyncio.run(main())
    assert (len(first), len(second), first != second) == (1, 1, True)


def test_operation__that_does_not_nest__takes_nothing_from_outside() -> None:
    """Neither id nor reason, and the outer one goes on afterwards."""
    with operation(actor=ANA, reason="import") as outer:
        with operation(actor=JOB, nested=False) as inner:
            assert (inner.id != outer.id, inner.reason) == (True, None)
        assert current_operation() == outer


def test_operation__that_does_not_nest_and_has_no_actor__is_the_systems() -> None:
    """The outer actor does not count."""
    with operation(actor=ANA), operation(nested=False) as inner:
        assert inner.actor == Actor.system()


def test_operation__given_an_id__goes_on_with_it() -> None:
    """What was begun elsewhere, such as before a job was put off."""
    begun = uuid.uuid4()
    with operation(actor=JOB, id=begun) as opened, operation(reason="typo") as inner:
        assert (opened.id, inner.id) == (begun, begun)


def test_operation__resumed__is_the_same() -> None:
    """For what goes on after the block was left."""
    with operation(actor=JOB, reason="export", on_behalf_of=ANA, via="beta") as opened:
        pass
    with operation(actor=ANA), opened.resumed() as again:
        assert again == opened


@pytest.mark.parametrize(
    ("actor", "kind", "owner"),
    [
        (Actor.api_key("sync", USER), "api_key", USER),
        (Actor.api_key("sync"), "api_key", None),
        (Actor.oauth_application("app", USER), "oauth_application", USER),
        (Actor.job("nightly"), "job", None),
        (Actor.command("loaddata"), "command", None),
        (Actor.system(), "system", None),
        (Actor.anonymous(), "anonymous", None),
    ],
)
def test_actor__of_each_kind__says_whose_new_rows_are(actor: Actor, kind: str, owner: Any) -> None:
    """None is the sentinel."""
    with operation(actor=actor) as opened:
        assert (json.loads(opened.as_setting)["kind"], opened.owner_id) == (kind, owner)


class Person:
    """As much of an account as an actor needs."""

    pk = uuid.UUID(int=9)
    is_staff = True

    def get_username(self) -> str:
        return "staff@example.org"


def test_impersonator__who_acts_for_nobody__is_refused() -> None:
    """It must be said whom."""
    with pytest.raises(InvalidInput, match="on_behalf_of"), operation(actor=Actor.impersonator(Person())):
        pass


def test_impersonator__acting_for_somebody__makes_their_rows() -> None:
    """And is named first."""
    with operation(actor=Actor.impersonator(Person()), on_behalf_of=ANA) as opened:
        said = json.loads(opened.as_setting)
        assert (said["user"], said["label"]) == (
            str(Person.pk),
            "staff@example.org on behalf of ana@example.org",
        )
        assert opened.owner_id == USER
