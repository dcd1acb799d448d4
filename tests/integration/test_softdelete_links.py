"""Links that a deletion cut are tied only where nobody wrote them since; none is revived below the dead."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ParentDeleted
from smartmodels.softdelete import restore
from tenant_apps.ledger.models import SeveredLink
from tests.zoo.models import Animal, Enclosure, Keeper, Permit


@pytest.fixture
def keepers(in_alpha: Any) -> tuple[Keeper, Keeper]:
    """Two keepers."""
    return Keeper.objects.create(name="k1"), Keeper.objects.create(name="k2")


@pytest.fixture
def animal(keepers: tuple[Keeper, Keeper]) -> Animal:
    """An animal of the first keeper."""
    return Animal.objects.create(name="a", enclosure=Enclosure.objects.create(name="E"), keeper=keepers[0])


def by_save(animal: Animal, keeper: Keeper | None) -> None:
    row = Animal.all_objects.get(pk=animal.pk)
    row.keeper = keeper
    row.save()


def by_update(animal: Animal, keeper: Keeper | None) -> None:
    Animal.all_objects.filter(pk=animal.pk).update(keeper=keeper)


def by_bulk_update(animal: Animal, keeper: Keeper | None) -> None:
    row = Animal.all_objects.get(pk=animal.pk)
    row.keeper = keeper
    Animal.all_objects.bulk_update([row], ["keeper"])


Point = Callable[[Animal, Keeper | None], None]
ways = pytest.mark.parametrize("point", [by_save, by_update, by_bulk_update])


def keeper_of(animal: Animal) -> Any:
    return Animal.all_objects.values_list("keeper_id", flat=True).get(pk=animal.pk)


@ways
def test_restore__of_the_first_of_two_targets__leaves_the_link(
    animal: Animal, keepers: tuple[Keeper, Keeper], point: Point
) -> None:
    """Since then the animal was somebody else's."""
    first, second = keepers
    first.delete()
    point(animal, second)
    second.delete()
    restore(Keeper, [first.pk])
    assert keeper_of(animal) is None


def test_restore__of_both_targets__ties_the_link_to_the_last(
    animal: Animal, keepers: tuple[Keeper, Keeper]
) -> None:
    """Whatever order they come back in."""
    first, second = keepers
    first.delete()
    by_save(animal, second)
    second.delete()
    restore(Keeper, [first.pk])
    restore(Keeper, [second.pk])
    assert keeper_of(animal) == second.pk


@ways
def test_restore__after_the_link_was_cleared_on_purpose__leaves_it_empty(
    animal: Animal, keepers: tuple[Keeper, Keeper], point: Point
) -> None:
    """The user has had the last word."""
    first, second = keepers
    first.delete()
    point(animal, second)
    point(animal, None)
    restore(Keeper, [first.pk])
    assert keeper_of(animal) is None


def test_restore__after_the_link_of_a_deleted_row_was_written__leaves_it_empty(
    animal: Animal, keepers: tuple[Keeper, Keeper]
) -> None:
    """A row that is deleted remembers no more than a living one."""
    first, second = keepers
    first.delete()
    animal.delete()
    by_update(animal, second)
    by_update(animal, None)
    restore(Animal, [animal.pk])
    restore(Keeper, [first.pk])
    assert keeper_of(animal) is None


def test_restore__after_another_column_was_written__ties_the_link(
    animal: Animal, keepers: tuple[Keeper, Keeper]
) -> None:
    """Only the key itself counts."""
    first, _ = keepers
    first.delete()
    row = Animal.objects.get(pk=animal.pk)
    row.name, row.mate = "b", Animal.objects.create(name="m", enclosure_id=row.enclosure_id)
    row.save()
    restore(Keeper, [first.pk])
    assert keeper_of(animal) == first.pk


def test_restore__after_another_row_was_pointed_elsewhere__ties_the_link(
    animal: Animal, keepers: tuple[Keeper, Keeper]
) -> None:
    """Each row is remembered for itself."""
    first, second = keepers
    other = Animal.objects.create(name="o", enclosure_id=animal.enclosure_id, keeper=first)
    first.delete()
    by_save(other, second)
    restore(Keeper, [first.pk])
    assert (keeper_of(animal), keeper_of(other)) == (first.pk, second.pk)


def test_restore__of_a_row_below_a_target_deleted_since__ties_it_with_the_target(
    animal: Animal, keepers: tuple[Keeper, Keeper]
) -> None:
    """The restoration of the row cuts the link, and that is remembered."""
    first, _ = keepers
    animal.delete()
    first.delete()
    restore(Animal, [animal.pk])
    assert keeper_of(animal) is None
    restore(Keeper, [first.pk])
    assert keeper_of(animal) == first.pk


def test_memory__of_a_link_written_since__is_gone(animal: Animal, keepers: tuple[Keeper, Keeper]) -> None:
    """Nothing piles up."""
    first, second = keepers
    first.delete()
    by_save(animal, second)
    assert not SeveredLink.objects.exists()


# Revived past the service


def revive(row: Any) -> None:
    """Mark a row as living as no service would, and come to the end of the transaction."""
    type(row).all_objects.filter(pk=row.pk).update(deleted_at=None, deleted_in=None)
    connection.check_constraints()


def test_update__that_revives_a_row_below_a_deleted_one__is_refused(animal: Animal) -> None:
    """No living animal in a deleted enclosure."""
    animal.enclosure.delete()
    with pytest.raises(ParentDeleted):
        revive(animal)


def test_update__that_revives_a_part_of_a_deleted_row__is_refused(in_alpha: Any) -> None:
    """Also where the table points at itself."""
    whole = Enclosure.objects.create(name="W")
    part = Enclosure.objects.create(name="P", within=whole)
    whole.delete()
    with pytest.raises(ParentDeleted):
        revive(part)


def test_update__that_revives_a_row_below_living_ones__is_done(animal: Animal) -> None:
    """Nothing stands against it."""
    animal.delete()
    revive(animal)
    assert Animal.objects.filter(pk=animal.pk).exists()


def test_update__that_revives_children_before_parents__is_done(animal: Animal) -> None:
    """What counts is how things stand when the transaction ends."""
    place = animal.enclosure
    place.delete()
    Animal.all_objects.filter(pk=animal.pk).update(deleted_at=None, deleted_in=None)
    revive(place)
    assert Animal.objects.filter(pk=animal.pk).exists()


def test_commit__of_a_row_revived_below_a_deleted_one__is_refused(
    committing: Any, alpha: Any, ana: Any
) -> None:
    """Without a transaction around it the update itself is."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made = Animal.objects.create(name="a", enclosure=Enclosure.objects.create(name="E"))
        made.enclosure.delete()
        with pytest.raises(ParentDeleted):
            Animal.all_objects.filter(pk=made.pk).update(deleted_at=None, deleted_in=None)
        assert not Animal.objects.filter(pk=made.pk).exists()


def test_restore__of_a_tree__passes_at_the_end_of_the_transaction(
    animal: Animal, keepers: tuple[Keeper, Keeper]
) -> None:
    """The service leaves nothing that the database refuses."""
    place = Enclosure.objects.get(pk=animal.enclosure_id)
    part = Enclosure.objects.create(name="P", within=place, keeper=keepers[0])
    Permit.objects.create(enclosure=part, keeper=keepers[1])
    place.delete()
    keepers[0].delete()
    restored = restore(Enclosure, [place.pk])
    connection.check_constraints()
    assert restored.as_counts()[0] == 4
