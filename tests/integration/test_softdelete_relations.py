"""H3 on every kind of relation: what goes, what stays, what forbids it, and the exact inverse of each."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, operation
from smartmodels.exceptions import ProtectedRows, RestoreConflict
from smartmodels.softdelete import restore
from smartmodels.softdelete.links import severed_links
from tests.zoo.models import Animal, Enclosure, Feed, Feeding, Keeper, OldAnimal, Permit, Sighting, Tag


@pytest.fixture
def enclosure(in_alpha: Any) -> Enclosure:
    """An enclosure with a keeper."""
    return Enclosure.objects.create(name="E", keeper=Keeper.objects.create(name="K"))


@pytest.fixture
def animal(enclosure: Enclosure) -> Animal:
    """An animal in the enclosure."""
    return Animal.objects.create(name="a", enclosure=enclosure)


def in_new_operation(ana: Any, act: Any) -> Any:
    """Do it in an operation of its own, as a second request would."""
    with operation(actor=Actor.user(ana), nested=False):
        return act()


# CASCADE


def test_delete__row_within_itself__takes_parts_of_any_depth(enclosure: Enclosure) -> None:
    """A key from a model to itself cascades, however deep."""
    part = enclosure
    for number in range(5):
        part = Enclosure.objects.create(name=str(number), within=part)
    enclosure.delete()
    assert Enclosure.objects.count() == 0


def test_undelete__row_within_itself__brings_all_parts_back(enclosure: Enclosure) -> None:
    """What went by a key of the model to itself comes back by it."""
    part = Enclosure.objects.create(name="p", within=enclosure)
    Enclosure.objects.create(name="q", within=part)
    enclosure.delete()
    enclosure.undelete()
    assert Enclosure.objects.count() == 3


def test_delete__rows_that_contain_one_another__ends(enclosure: Enclosure) -> None:
    """A circle of rows is deleted once."""
    part = Enclosure.objects.create(name="p", within=enclosure)
    Enclosure.objects.filter(pk=enclosure.pk).update(within=part)
    assert enclosure.delete()[1] == {"zoo.Enclosure": 2}


def test_undelete__rows_that_contain_one_another__come_back(enclosure: Enclosure) -> None:
    """A circle of rows comes back as a whole, since each needs the other."""
    part = Enclosure.objects.create(name="p", within=enclosure)
    Enclosure.objects.filter(pk=enclosure.pk).update(within=part)
    enclosure.delete()
    enclosure.undelete()
    assert Enclosure.objects.count() == 2


def test_undelete__part_of_a_deleted_whole__is_refused(enclosure: Enclosure) -> None:
    """A row cannot live inside a dead one of its own kind."""
    part = Enclosure.objects.create(name="p", within=enclosure)
    enclosure.delete()
    with pytest.raises(RestoreConflict, match="still deleted"):
        part.undelete()


def test_delete__by_a_proxy__takes_what_cascades(animal: Animal) -> None:
    """A proxy's rows are those of its table."""
    Feeding.objects.create(animal=animal, feed=Feed.objects.create(name="hay"))
    OldAnimal.objects.all().delete()
    assert (Animal.objects.count(), Feeding.objects.count()) == (0, 0)


def test_undelete__child_whose_other_parent_is_deleted__is_left(enclosure: Enclosure, ana: Any) -> None:
    """It is reported, and not revived."""
    substitute = Keeper.objects.create(name="S")
    permit = Permit.objects.create(
        enclosure=enclosure, keeper=Keeper.objects.create(name="L"), substitute=substitute
    )
    in_new_operation(ana, enclosure.delete)
    in_new_operation(ana, substitute.delete)
    back = in_new_operation(ana, lambda: restore(Enclosure, [enclosure.pk]))
    assert (back.left, Permit.objects.count()) == ({Permit: frozenset({permit.pk})}, 0)


def test_undelete__child_that_was_left__comes_with_a_restoration_of_its_own(
    enclosure: Enclosure, ana: Any
) -> None:
    """Once both parents live, it can be restored."""
    substitute = Keeper.objects.create(name="S")
    permit = Permit.objects.create(
        enclosure=enclosure, keeper=Keeper.objects.create(name="L"), substitute=substitute
    )
    in_new_operation(ana, enclosure.delete)
    in_new_operation(ana, substitute.delete)
    in_new_operation(ana, enclosure.undelete)
    in_new_operation(ana, substitute.undelete)
    permit.undelete()
    assert Permit.objects.count() == 1


# PROTECT, RESTRICT, DO_NOTHING


def test_delete__row_that_is_protected__is_refused(animal: Animal) -> None:
    """PROTECT forbids, and names what protects."""
    feed = Feed.objects.create(name="hay")
    feeding = Feeding.objects.create(animal=animal, feed=feed)
    with pytest.raises(ProtectedRows, match="1 feeding") as caught:
        feed.delete()
    assert caught.value.details["keys"] == [str(feeding.pk)]


def test_delete__row_that_a_deleted_row_protects__is_done(animal: Animal) -> None:
    """What is deleted protects nothing."""
    feed = Feed.objects.create(name="hay")
    Feeding.objects.create(animal=animal, feed=feed).delete()
    feed.delete()
    assert Feed.objects.count() == 0


def test_undelete__row_that_needs_a_protected_row__waits_for_it(animal: Animal, ana: Any) -> None:
    """No living row points at a dead one through PROTECT either."""
    feed = Feed.objects.create(name="hay")
    feeding = Feeding.objects.create(animal=animal, feed=feed)
    in_new_operation(ana, feeding.delete)
    in_new_operation(ana, feed.delete)
    with pytest.raises(RestoreConflict, match="still deleted"):
        feeding.undelete()


def test_delete__row_that_is_restricted__is_refused(enclosure: Enclosure) -> None:
    """RESTRICT forbids while the row that restricts stays."""
    Permit.objects.create(enclosure=enclosure, keeper=enclosure.keeper)
    with pytest.raises(ProtectedRows, match="permit"):
        enclosure.keeper.delete()


def test_delete__row_whose_restriction_goes_too__is_done(enclosure: Enclosure) -> None:
    """As in Django, RESTRICT allows it when the row that restricts goes by a cascade."""
    keeper = enclosure.keeper
    Permit.objects.create(enclosure=enclosure, keeper=keeper, substitute=keeper)
    keeper.delete()
    assert (Keeper.objects.count(), Permit.objects.count()) == (0, 0)


def test_delete__refused__changes_nothing(enclosure: Enclosure) -> None:
    """Neither rows nor links nor versions."""
    Permit.objects.create(enclosure=enclosure, keeper=enclosure.keeper)
    before = Enclosure.history.count()
    with pytest.raises(ProtectedRows):
        enclosure.keeper.delete()
    enclosure.refresh_from_db()
    assert (enclosure.keeper_id is None, Enclosure.history.count()) == (False, before)


def test_delete__row_others_speak_of__leaves_them(animal: Animal) -> None:
    """DO_NOTHING does nothing."""
    sighting = Sighting.objects.create(animal=animal)
    animal.delete()
    sighting.refresh_from_db()
    assert (sighting.is_deleted, sighting.animal_id) == (False, animal.pk)


# SET_NULL


def test_delete__row_that_others_link_to__cuts_the_links(enclosure: Enclosure) -> None:
    """SET_NULL is an update of the row that stays."""
    enclosure.keeper.delete()
    enclosure.refresh_from_db()
    assert (enclosure.keeper_id, enclosure.is_deleted) == (None, False)


def test_delete__cut_link__is_in_history(enclosure: Enclosure) -> None:
    """The row that lost its link has a version that says so."""
    enclosure.keeper.delete()
    newest = enclosure.history.first()
    assert (newest.history_type, newest.keeper_id) == ("~", None)


def test_undelete__row_that_others_linked_to__ties_the_links(enclosure: Enclosure) -> None:
    """The links come back, and nothing is left in the ledger."""
    keeper = enclosure.keeper
    keeper.delete()
    keeper.undelete()
    enclosure.refresh_from_db()
    assert (enclosure.keeper_id, severed_links().objects.count()) == (keeper.pk, 0)


def test_undelete__link_that_was_given_away_meanwhile__stays_as_it_is(enclosure: Enclosure) -> None:
    """Only what is still null is tied."""
    keeper, other = enclosure.keeper, Keeper.objects.create(name="O")
    keeper.delete()
    Enclosure.objects.update(keeper=other)
    keeper.undelete()
    enclosure.refresh_from_db()
    assert enclosure.keeper_id == other.pk


def test_undelete__second_time__does_not_tie_what_was_cut_by_hand(enclosure: Enclosure) -> None:
    """A restoration consumes the links it ties."""
    keeper = enclosure.keeper
    keeper.delete()
    keeper.undelete()
    Enclosure.objects.update(keeper=None)
    keeper.delete()
    keeper.undelete()
    enclosure.refresh_from_db()
    assert enclosure.keeper_id is None


def test_delete__rows_linked_to_one_another__keep_the_links_among_them(enclosure: Enclosure) -> None:
    """A link between two rows that go together is not cut, so nothing has to be tied."""
    one = Animal.objects.create(name="1", enclosure=enclosure)
    two = Animal.objects.create(name="2", enclosure=enclosure, mate=one)
    enclosure.delete()
    assert Animal.all_objects.get(pk=two.pk).mate_id == one.pk


def test_delete__one_of_two_mates__cuts_the_link_within_the_model(enclosure: Enclosure) -> None:
    """A key from a model to itself is cut like any other."""
    one = Animal.objects.create(name="1", enclosure=enclosure)
    two = Animal.objects.create(name="2", enclosure=enclosure, mate=one)
    one.delete()
    two.refresh_from_db()
    assert (two.mate_id, two.is_deleted) == (None, False)


def test_undelete__one_of_two_mates__ties_the_link_within_the_model(enclosure: Enclosure) -> None:
    """And it is tied again."""
    one = Animal.objects.create(name="1", enclosure=enclosure)
    two = Animal.objects.create(name="2", enclosure=enclosure, mate=one)
    one.delete()
    one.undelete()
    two.refresh_from_db()
    assert two.mate_id == one.pk


def test_undelete__row_linked_to_one_deleted_later__comes_without_the_link(
    enclosure: Enclosure, ana: Any
) -> None:
    """A row that was deleted first comes back while what it linked to is dead: the link waits."""
    keeper = enclosure.keeper
    in_new_operation(ana, enclosure.delete)
    in_new_operation(ana, keeper.delete)
    in_new_operation(ana, enclosure.undelete)
    cut = Enclosure.objects.get(pk=enclosure.pk).keeper_id
    in_new_operation(ana, keeper.undelete)
    assert (cut, Enclosure.objects.get(pk=enclosure.pk).keeper_id) == (None, keeper.pk)


def test_undelete__target_of_a_deleted_row__ties_the_link_for_its_return(
    enclosure: Enclosure, ana: Any
) -> None:
    """A row deleted after its link was cut has the link again when both are back."""
    keeper = enclosure.keeper
    in_new_operation(ana, keeper.delete)
    in_new_operation(ana, enclosure.delete)
    in_new_operation(ana, keeper.undelete)
    in_new_operation(ana, enclosure.undelete)
    assert Enclosure.objects.get(pk=enclosure.pk).keeper_id == keeper.pk


# Many-to-many


def test_undelete__row_with_links__has_them_as_before(animal: Animal) -> None:
    """Many-to-many links stay in place while the row is away."""
    tags = [Tag.objects.create(label=label) for label in "xy"]
    animal.tags.set(tags)
    animal.delete()
    animal.undelete()
    assert set(animal.tags.all()) == set(tags)


def test_undelete__far_end_of_a_link__is_linked_again(animal: Animal) -> None:
    """A deleted tag is hidden, and its links are there when it comes back."""
    tag = Tag.objects.create(label="x")
    animal.tags.add(tag)
    tag.delete()
    hidden = list(animal.tags.all())
    tag.undelete()
    assert (hidden, list(animal.tags.all())) == ([], [tag])


def test_set__links_of_a_living_row__keeps_those_to_deleted_rows(animal: Animal) -> None:
    """What is hidden is not removed by those who do not see it."""
    hidden, seen = (Tag.objects.create(label=label) for label in "xy")
    animal.tags.set([hidden])
    hidden.delete()
    animal.tags.set([seen])
    hidden.undelete()
    assert set(animal.tags.all()) == {hidden, seen}


# Conflicts, counts


def test_undelete__value_taken_meanwhile__names_the_rows(animal: Animal) -> None:
    """The conflict says which row has which value now."""
    chip = uuid.uuid4()
    Animal.objects.filter(pk=animal.pk).update(chip=chip)
    animal.delete()
    other = Animal.objects.create(name="thief", enclosure=animal.enclosure, chip=chip)
    with pytest.raises(RestoreConflict, match="thief") as caught:
        animal.undelete()
    details = caught.value.details
    assert (details["keys"], details["taken_by"], details["fields"]) == (
        [str(animal.pk)], [str(other.pk)], ["chip"],
    )  # fmt: skip


def test_undelete__with_a_child_whose_value_is_taken__brings_nothing_back(
    enclosure: Enclosure, animal: Animal, ana: Any
) -> None:
    """Restoring is all or nothing."""
    chip = uuid.uuid4()
    Animal.objects.update(chip=chip)
    enclosure.delete()
    other = Enclosure.objects.create(name="O")
    Animal.objects.create(name="thief", enclosure=other, chip=chip)
    with pytest.raises(RestoreConflict):
        enclosure.undelete()
    assert Enclosure.all_objects.get(pk=enclosure.pk).is_deleted


def zoo_of(animals: int, feedings: int) -> Enclosure:
    """An enclosure of so many animals, with so many feedings each."""
    enclosure = Enclosure.objects.create(name="E", keeper=Keeper.objects.create(name="K"))
    feed = Feed.objects.create(name="hay")
    herd = [Animal(name=str(n), enclosure=enclosure) for n in range(animals)]
    Animal.objects.bulk_create(herd)
    Feeding.objects.bulk_create(
        [Feeding(animal=animal, feed=feed) for animal in herd for _ in range(feedings)]
    )
    Permit.objects.create(enclosure=enclosure, keeper=enclosure.keeper)
    return enclosure


MODELS_OF_A_ZOO = 4  # Enclosure, Animal, Feeding, Permit
MODELS_NEEDED = 3  # Keeper and Feed, which must not be deleted meanwhile, and the ledger of links
AROUND = 3  # the savepoint, its release, and the row read again


def test_delete__300_rows_of_a_zoo__takes_three_queries_per_model(in_alpha: Any) -> None:
    """However many rows there are."""
    enclosure = zoo_of(30, 9)
    with CaptureQueriesContext(connection) as seen:
        assert enclosure.delete()[0] == 302
    assert len(seen) <= 3 * MODELS_OF_A_ZOO + AROUND, [each["sql"][:120] for each in seen]


def test_undelete__300_rows_of_a_zoo__takes_as_many_queries_as_with_few(in_alpha: Any) -> None:
    """However many rows there are."""
    counts = []
    for animals, feedings in ((1, 1), (30, 9)):
        enclosure = zoo_of(animals, feedings)
        enclosure.delete()
        with CaptureQueriesContext(connection) as seen:
            enclosure.undelete()
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 3 * (MODELS_OF_A_ZOO + MODELS_NEEDED) + AROUND, counts
