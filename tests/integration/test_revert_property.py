"""An operation, whatever it did, is undone by its revert, and that one by its own."""

import random
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError, RestrictedError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartmodels.context import operation
from smartmodels.exceptions import SmartModelsError
from smartmodels.history import (
    apply_revert,
    mark,
    plan_revert_mark,
    plan_revert_operation,
    revertible_fields,
)
from smartmodels.history.tracking import tracked_links
from tests.zoo.models import Animal, Enclosure, Feed, Feeding, Keeper, Permit, Sighting, Tag

pytestmark = pytest.mark.usefixtures("in_alpha")

MODELS: tuple[Any, ...] = (Keeper, Tag, Enclosure, Animal, Feed, Feeding, Permit, Sighting)
REFUSALS = (SmartModelsError, IntegrityError, ProtectedError, RestrictedError)

Rng = random.Random
State = dict[tuple[Any, Any], Any]


def state() -> State:
    """Every row: whether it lives, what people may edit of it, and its tracked links."""
    found: State = {}
    for model in MODELS:
        columns = [field.attname for field in revertible_fields(model)]
        for row in model.all_objects.all():
            links = {
                link.name: frozenset(
                    getattr(row, link.name)
                    .through.objects.filter(animal_id=row.pk)
                    .values_list("tag_id", flat=True)
                )
                for link in tracked_links(model)
            }
            found[model, row.pk] = (row.deleted_at is None, {c: getattr(row, c) for c in columns}, links)
    return found


def assert_same(now: State, wanted: State) -> None:
    """Every row is as it was; one that was not there may be there as a deleted one."""
    for place, then in wanted.items():
        assert place in now, f"{place} is missing"
        assert now[place] == then, place
    for place in now.keys() - wanted.keys():
        assert not now[place][0], f"{place} lives"


def some(rng: Rng, model: Any, *, deleted: bool = False) -> Any:
    rows = list((model.deleted_objects if deleted else model.objects).order_by("pk"))
    return rng.choice(rows) if rows else None


def word(rng: Rng) -> str:
    return rng.choice("abcdefgh") * rng.randint(1, 3)


def make(rng: Rng) -> None:
    kind = rng.choice(MODELS)
    if kind is Keeper:
        Keeper.objects.create(name=word(rng), email=rng.choice(["", f"{word(rng)}@example.org"]))
    elif kind in (Tag, Feed):
        kind.objects.create(**{"label" if kind is Tag else "name": word(rng)})
    elif kind is Enclosure:
        Enclosure.objects.create(name=word(rng), keeper=some(rng, Keeper), within=some(rng, Enclosure))
    elif kind is Animal and (place := some(rng, Enclosure)):
        Animal.objects.create(name=word(rng), enclosure=place, mate=some(rng, Animal), **exact(rng))
    elif kind is Feeding and (animal := some(rng, Animal)) and (feed := some(rng, Feed)):
        Feeding.objects.create(animal=animal, feed=feed, grams=rng.randint(0, 9))
    elif kind is Permit and (place := some(rng, Enclosure)) and (keeper := some(rng, Keeper)):
        Permit.objects.create(enclosure=place, keeper=keeper, substitute=some(rng, Keeper))
    elif kind is Sighting and (animal := some(rng, Animal)):
        Sighting.objects.create(animal=animal, text=word(rng))


def exact(rng: Rng) -> dict[str, Any]:
    """Values that must come back exactly."""
    return {
        "weight": rng.choice([None, Decimal("0.100000"), Decimal("12.345678")]),
        "seen_at": rng.choice([None, timezone.now()]),
        "payload": rng.choice([None, {}, {"a": 1}, {"a": True}, [1, 1.0, None, "\u00e9"], 0, False]),
        "photo": rng.choice(["", "animals/a.jpg"]),
        "chip": rng.choice([None, uuid.UUID(int=rng.randint(1, 4))]),
        "ratio": rng.choice([None, 0.1, 1e300]),
    }


def change(rng: Rng) -> None:
    if row := some(rng, rng.choice([Keeper, Enclosure, Animal])):
        row.name = word(rng)
        if isinstance(row, Animal):
            row.enclosure, row.mate = some(rng, Enclosure), some(rng, Animal)
            for name, value in exact(rng).items():
                setattr(row, name, value)
        row.save()


def change_many(rng: Rng) -> None:
    Feeding.objects.filter(grams__lt=rng.randint(0, 9)).update(grams=F("grams") + 1)
    Animal.objects.filter(name__startswith=word(rng)[0]).update(ratio=rng.random())


def link(rng: Rng) -> None:
    if animal := some(rng, Animal):
        tags = [tag for tag in Tag.objects.all() if rng.random() < 0.5]
        rng.choice([animal.tags.set, lambda rows: animal.tags.add(*rows), lambda _: animal.tags.clear()])(
            tags
        )


def delete(rng: Rng) -> None:
    if row := some(rng, rng.choice(MODELS)):
        row.delete()


def restore(rng: Rng) -> None:
    if row := some(rng, rng.choice(MODELS), deleted=True):
        row.undelete()


def purge(rng: Rng) -> None:
    # History does not keep all of a keeper, so a purged one cannot come back as it was.
    if row := some(rng, rng.choice(MODELS[1:]), deleted=rng.random() < 0.5):
        row.purge()
        # So that a constraint that is checked at the end of the transaction is broken here.
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def swap(rng: Rng) -> None:
    one, other = some(rng, Tag), some(rng, Tag)
    if one and other and one.pk != other.pk:
        one.label, other.label, spare = other.label, one.label, uuid.uuid4().hex
        Tag.objects.filter(pk=one.pk).update(label=spare)
        other.save()
        one.save()


ACTIONS: tuple[Callable[[Rng], None], ...] = (
    make, make, make, change, change, change_many, link, link, delete, restore, purge, swap,
)  # fmt: skip


def act(rng: Rng, times: int) -> uuid.UUID | None:
    """Do random things in one operation and return it, or None if all of them were refused."""
    with operation(nested=False) as opened:
        for _ in range(times):
            try:
                with transaction.atomic():
                    rng.choice(ACTIONS)(rng)
            except REFUSALS:
                pass
    wrote = any(model.history.filter(operation_id=opened.id).exists() for model in MODELS)
    return opened.id if wrote else None


def example(run: Callable[[Rng], None], seed: int) -> None:
    """Run one example and leave nothing of it."""
    with transaction.atomic():
        run(random.Random(seed))  # noqa: S311
        transaction.set_rollback(True)


quietly = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quietly
@given(seed=st.integers(0, 2**32))
def test_revert_operation__anything__is_the_state_before_and_back_again(seed: int) -> None:
    """Undo is the state before, undo of undo the state after, and so on."""

    def run(rng: Rng) -> None:
        act(rng, 30)
        before = state()
        done = act(rng, rng.randint(1, 20))
        after = state()
        for wanted in (before, after, before, after):
            plan = plan_revert_operation(done) if done else None
            if plan is not None:
                done = apply_revert(plan).operation_id
            assert_same(state(), wanted)

    example(run, seed)


@quietly
@given(seed=st.integers(0, 2**32))
def test_revert_mark__many_operations__is_the_state_at_the_mark(seed: int) -> None:
    """Everything that happened since, by several operations, is undone at once."""

    def run(rng: Rng) -> None:
        act(rng, 20)
        before, marked = state(), mark("here")
        for _ in range(3):
            act(rng, 8)
        apply_revert(plan_revert_mark(marked))
        assert_same(state(), before)

    example(run, seed)
