"""H1 and H2 as properties: whatever is done, in whatever order, history tells the truth about now and then.

The oracle is read with plain SQL: the rows of the tables as they are, and copies of them that were taken on
the way.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ParentDeleted, ProtectedRows, RestoreConflict, RevertConflict
from smartmodels.history import apply_revert, history_model, plan_revert, timeline
from smartmodels.ownership import hand_over, take_back
from tests.support.truth import assert_now, links, live, sql
from tests.zoo.models import Animal, Enclosure, Keeper, Tag

MODELS = (Keeper, Tag, Enclosure, Animal)
STEPS, EXAMPLES = 210, 12
REFUSALS = (ParentDeleted, ProtectedRows, RestoreConflict, RevertConflict)


@dataclass
class Moment:
    """What was there at one moment: the living rows of each model, and the tags of the animals."""

    at: datetime
    rows: dict[Any, dict[Any, dict[str, Any]]]
    tags: dict[str, set[str]]


@dataclass
class World:
    """One namespace in the course of an example; ``a`` and ``b`` are what hypothesis drew for the step."""

    namespace: Namespace
    user: User
    moments: list[Moment] = field(default_factory=list)

    def pick(self, model: Any, number: int, manager: str = "objects") -> Any:
        """A row of the model, or None."""
        rows = getattr(model, manager).order_by("pk")
        return rows[number % count] if (count := rows.count()) else None


Step = Callable[[World, int, int], None]
KINDS: dict[str, Step] = {}


def kind(step: Step) -> Step:
    """Register a kind of operation."""
    KINDS[step.__name__] = step
    return step


@kind
def create(world: World, a: int, b: int) -> None:
    """Make one row of each model."""
    keeper = Keeper.objects.create(name=f"K{a}", pin=str(b))
    enclosure = Enclosure.objects.create(name=f"E{a}", keeper=keeper, within=world.pick(Enclosure, b))
    Animal.objects.create(name=f"A{a}", enclosure=enclosure, weight=b, mate=world.pick(Animal, a))
    Tag.objects.get_or_create(label=f"T{a % 7}")


@kind
def bulk_create(world: World, a: int, b: int) -> None:
    """Make a few, or many, rows at once."""
    if enclosure := world.pick(Enclosure, a):
        count = 55 if b % 16 == 0 else 3
        Animal.objects.bulk_create([Animal(name=f"B{n}", enclosure=enclosure) for n in range(count)])


@kind
def save(world: World, a: int, b: int) -> None:
    """Save all fields."""
    if animal := world.pick(Animal, a):
        animal.name, animal.payload = f"S{b}", {"b": [b, None]}
        animal.save()


@kind
def save_some(world: World, a: int, b: int) -> None:
    """Save one field by name, and one with an expression."""
    if animal := world.pick(Animal, a):
        animal.ratio, animal.name = b / 7, "not saved"
        animal.save(update_fields=["ratio"])
        animal.weight = F("weight") + 1
        animal.save(update_fields=["weight"])


@kind
def update(world: World, a: int, b: int) -> None:
    """Update a queryset."""
    Animal.objects.filter(weight__gte=a).update(weight=b, name="updated")


@kind
def bulk_update(world: World, a: int, b: int) -> None:
    """Update rows with values of their own."""
    rows = list(Animal.objects.order_by("pk")[: 1 + a % 5])
    for number, row in enumerate(rows):
        row.name = f"BU{b}-{number}"
    if rows:
        Animal.objects.bulk_update(rows, ["name"])


@kind
def update_or_create(world: World, a: int, b: int) -> None:
    """Update what matches, or make it."""
    Tag.objects.update_or_create(label=f"T{a % 9}", defaults={"label": f"T{a % 9}"})


@kind
def upsert(world: World, a: int, b: int) -> None:
    """Insert with ON CONFLICT DO UPDATE."""
    if keeper := world.pick(Keeper, a):
        keeper.name = f"U{b}"
        Keeper.objects.bulk_create(
            [keeper, Keeper(name="new")], update_conflicts=True, unique_fields=["id"], update_fields=["name"]
        )


@kind
def delete(world: World, a: int, b: int) -> None:
    """Delete a row, and what cascades or is cut."""
    if row := world.pick((Animal, Enclosure, Keeper, Tag)[b % 4], a):
        row.delete()


@kind
def delete_queryset(world: World, a: int, b: int) -> None:
    """Delete a set of rows."""
    Animal.objects.filter(pk__in=[row.pk for row in Animal.objects.order_by("-pk")[: a % 4]]).delete()


@kind
def restore(world: World, a: int, b: int) -> None:
    """Restore a deleted row with what went with it."""
    if row := world.pick((Enclosure, Animal, Keeper, Tag)[b % 4], a, "deleted_objects"):
        row.undelete()


@kind
def purge(world: World, a: int, b: int) -> None:
    """Remove a row for good."""
    if row := world.pick(Animal, a, "deleted_objects"):
        row.purge()


@kind
def add_tags(world: World, a: int, b: int) -> None:
    """Add, remove, set or clear links, from either side."""
    animal, tag = world.pick(Animal, a), world.pick(Tag, b)
    if animal and tag:
        (
            lambda: animal.tags.add(tag),
            lambda: animal.tags.remove(tag),
            lambda: animal.tags.set(Tag.objects.order_by("pk")[: b % 3]),
            lambda: tag.animals.add(animal),
            animal.tags.clear,
        )[b % 5]()


@kind
def related(world: World, a: int, b: int) -> None:
    """Write through related managers."""
    if enclosure := world.pick(Enclosure, a):
        enclosure.animals.create(name=f"R{b}")
        enclosure.animals.update(ratio=b)


@kind
def raw_sql(world: World, a: int, b: int) -> None:
    """Write past the ORM."""
    sql("UPDATE zoo_animal SET weight = %s WHERE name < %s", b, f"S{a}")


@kind
def nothing(world: World, a: int, b: int) -> None:
    """Update without a change."""
    sql("UPDATE zoo_animal SET name = name")


@kind
def from_elsewhere(world: World, a: int, b: int) -> None:
    """Write with another schema in the search path."""
    schema = world.namespace.schema_name
    with namespace_scope(None) if a % 2 else namespace_scope(world.namespace):
        sql(f'UPDATE "{schema}".zoo_keeper SET name = %s WHERE name = %s', f"X{b}", f"K{a}")  # noqa: S608


@kind
def ownership(world: World, a: int, b: int) -> None:
    """Hand everything over, or take it back."""
    (hand_over if b % 2 else take_back)(world.user.pk)


@kind
def revert(world: World, a: int, b: int) -> None:
    """Bring a row back to an earlier version."""
    if animal := world.pick(Animal, a, "all_objects"):
        versions = list(timeline(Animal, animal.pk))
        plan = plan_revert(animal, versions[b % len(versions)].history_id)
        apply_revert(plan)


@kind
def failed(world: World, a: int, b: int) -> None:
    """Do much, then take it all back."""
    with suppress(ZeroDivisionError), transaction.atomic():
        create(world, a, b)
        Animal.objects.all().delete()
        raise ZeroDivisionError


@kind
def look(world: World, a: int, b: int) -> None:
    """Copy what is there, to compare with history later."""
    (at,) = sql("SELECT clock_timestamp()")[0]
    rows = {
        model: {key: row for key, row in live(model).items() if row["deleted_at"] is None} for model in MODELS
    }
    world.moments.append(Moment(at, rows, links()))


def assert_then(moment: Moment) -> None:
    """What history says was there at a moment is what was there."""
    for model, rows in moment.rows.items():
        columns = [each.attname for each in history_model(model).tracked_fields]
        then = {str(row.pk): row for row in model.history.as_of(moment.at)}
        assert set(then) == set(rows)
        for key, row in then.items():
            assert str(row.owner_id) == rows[key]["owner_id"]
            texts = [name for name in columns if isinstance(getattr(row, name), str)]
            assert {name: getattr(row, name) for name in texts} == {name: rows[key][name] for name in texts}


def walk(world: World, name: str, a: int, b: int) -> None:
    """Take one step; one that is refused changes nothing, which is checked in the end as well."""
    scope, opened = namespace_scope(world.namespace), operation(actor=Actor.user(world.user), reason=name)
    with suppress(*REFUSALS), scope, opened, transaction.atomic():
        KINDS[name](world, a, b)


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(
        st.tuples(st.booleans(), st.sampled_from(sorted(KINDS)), st.integers(0, 60), st.integers(0, 60)),
        min_size=STEPS,
        max_size=STEPS,
    )
)
def test_history__any_operations_in_two_namespaces__tells_the_truth(
    alpha: Namespace, beta: Namespace, ana: User, bea: User, steps: list[tuple[bool, str, int, int]]
) -> None:
    """After 210 random steps, twelve times, history equals the rows, now and at every moment looked at."""
    worlds = (World(alpha, ana), World(beta, bea))
    with transaction.atomic():
        for in_beta, name, a, b in steps:
            world = worlds[in_beta]
            walk(world, name, a, b)
        for world in worlds:
            with namespace_scope(world.namespace):
                for model in MODELS:
                    assert_now(model)
                for moment in world.moments:
                    assert_then(moment)
        transaction.set_rollback(True)
