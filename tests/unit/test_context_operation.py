"""One unit of change: who acts, why, and under which id."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartmodels.context import Actor, Operation, current_operation, operation, require_operation
from smartmodels.exceptions import ActorRequired

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
