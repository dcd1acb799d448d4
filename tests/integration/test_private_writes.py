"""Private mode: code that acts for one member does not change the rows of another."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import NotPermitted, RowNotFound
from smartmodels.softdelete import purge, soft_delete
from tests.zoo.models import Animal, Enclosure, Feed, Keeper, Tag

Act = Callable[[Any], AbstractContextManager[Any]]


@pytest.fixture
def acting(settings: Any, alpha: Any) -> Iterator[Act]:
    """Let a person act in alpha, where rows belong to people."""
    settings.SMARTMODELS_OWNER_MODEL = settings.AUTH_USER_MODEL
    with namespace_scope(alpha):
        yield lambda person: operation(actor=Actor.user(person), nested=False)


@pytest.fixture
def feed(acting: Act, ben: Any) -> Feed:
    """A feed of ben's: nothing points at it."""
    with acting(ben):
        return Feed.objects.create(name="hay")


@pytest.fixture
def shared_place(acting: Act, ana: Any, ben: Any) -> tuple[Enclosure, Animal]:
    """An enclosure of ana's in which ben has an animal."""
    with acting(ana):
        place = Enclosure.objects.create(name="E")
    with acting(ben):
        return place, Animal.objects.create(name="b", enclosure_id=place.pk)


def state(row: Any) -> tuple[Any, ...]:
    """Return name, owner and deletion as they are in the database, whoever asks."""
    with operation(actor=Actor.system(), nested=False):
        return type(row).all_objects.values_list("name", "owner_id", "deleted_at").get(pk=row.pk)


def upsert(row: Any, *fields: str) -> None:
    made = Feed(pk=row.pk, name="taken")
    Feed.objects.bulk_create([made], update_conflicts=True, unique_fields=["id"], update_fields=[*fields])


def force(row: Any) -> None:
    Feed(pk=row.pk, name="taken").save(force_update=True)


def claimed(row: Any) -> Feed:
    """Return an instance that says it comes from the database."""
    made = Feed(pk=row.pk, name="taken")
    made._state.adding = False
    return made


WRITES: dict[str, Callable[[Any], Any]] = {
    "upsert": lambda row: upsert(row, "name"),
    "force_update": force,
    "save": lambda row: claimed(row).save(),
    "update_fields": lambda row: claimed(row).save(update_fields=["name"]),
    "owner": lambda row: claimed(row).save(update_fields=["owner"]),
    "delete": lambda row: claimed(row).delete(),
    "purge": lambda row: claimed(row).purge(),
    "undelete": lambda row: claimed(row).undelete(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_write__of_anothers_row__finds_no_row(
    acting: Act, feed: Feed, ana: Any, ben: Any, write: Any
) -> None:
    """Knowing its key is not enough."""
    with acting(ana), pytest.raises(RowNotFound), transaction.atomic():
        write(feed)
    assert state(feed) == ("hay", ben.pk, None)


def test_save__of_a_missing_row_by_force__finds_no_row(acting: Act, ana: Any) -> None:
    """What is hidden and what is not there look the same."""
    with acting(ana), pytest.raises(RowNotFound):
        force(Feed())


@pytest.mark.parametrize("name", ["owner", "owner_id"])
def test_upsert__that_names_the_owner__is_refused(
    acting: Act, feed: Feed, ana: Any, ben: Any, name: str
) -> None:
    """Rows are handed over one by one."""
    with acting(ana), pytest.raises(NotPermitted, match="update_fields"):
        upsert(feed, "name", name)
    assert state(feed) == ("hay", ben.pk, None)


def test_upsert__of_own_and_new_rows__writes_them(acting: Act, feed: Feed, ben: Any) -> None:
    """Only others' rows are out of reach."""
    rows = [Feed(pk=feed.pk, name="straw"), Feed(name="corn")]
    with acting(ben):
        Feed.objects.bulk_create(rows, update_conflicts=True, unique_fields=["pk"], update_fields=["name"])
        assert sorted(Feed.objects.values_list("name", flat=True)) == ["corn", "straw"]


@pytest.mark.parametrize("write", [WRITES[name] for name in ("upsert", "force_update", "update_fields")])
def test_write__of_ones_own_row__is_done(acting: Act, feed: Feed, ben: Any, write: Any) -> None:
    """As in shared mode."""
    with acting(ben):
        write(feed)
    assert state(feed) == ("taken", ben.pk, None)


def test_save__of_a_row_given_away__still_hands_it_over(acting: Act, feed: Feed, ana: Any, ben: Any) -> None:
    """Whose the row was counts, not whose it becomes."""
    with acting(ben):
        feed.owner = ana
        feed.save()
    assert state(feed) == ("hay", ana.pk, None)


def test_delete_and_undelete__of_ones_own_row__are_done(acting: Act, feed: Feed, ben: Any) -> None:
    """A deleted row is still its owner's."""
    with acting(ben):
        feed.delete()
        Feed.deleted_objects.get(pk=feed.pk).undelete()
    assert state(feed) == ("hay", ben.pk, None)


def test_purge__of_ones_own_row__removes_it(acting: Act, feed: Feed, ben: Any) -> None:
    """For good."""
    with acting(ben):
        assert feed.purge()[0] == 1


DELETIONS: dict[str, Callable[[Enclosure], Any]] = {
    "row": lambda place: place.delete(),
    "queryset": lambda place: Enclosure.objects.filter(pk=place.pk).delete(),
    "service": lambda place: soft_delete(Enclosure, [place.pk]),
    "purge": lambda place: place.purge(),
    "queryset purge": lambda place: Enclosure.objects.filter(pk=place.pk).purge(),
}


@pytest.mark.parametrize("delete", DELETIONS.values(), ids=DELETIONS)
def test_deletion__that_takes_anothers_row_along__is_refused(
    acting: Act, shared_place: tuple[Enclosure, Animal], ana: Any, ben: Any, delete: Any
) -> None:
    """Ben's animal stays where it is; ana is told how many rows there are, not which."""
    place, animal = shared_place
    with acting(ana), pytest.raises(NotPermitted, match=r"^1 of the rows") as refused:
        delete(place)
    assert (state(animal), str(animal.pk) in str(refused.value)) == (("b", ben.pk, None), False)


def test_soft_delete__of_a_hidden_row__is_refused(acting: Act, ana: Any, ben: Any) -> None:
    """Also one that nothing points at."""
    with acting(ben):
        tag = Tag.objects.create(label="t")
    with acting(ana), pytest.raises(NotPermitted):
        soft_delete(Tag, [tag.pk])


def test_soft_delete__that_cuts_anothers_link__is_refused(acting: Act, ana: Any, ben: Any) -> None:
    """To cut it is to write the row of the other."""
    with acting(ana):
        keeper = Keeper.objects.create(name="K")
    with acting(ben):
        Enclosure.objects.create(name="B", keeper_id=keeper.pk)
    with acting(ana), pytest.raises(NotPermitted):
        keeper.delete()


def test_purge_service__of_anothers_deleted_row__is_refused(
    acting: Act, feed: Feed, ana: Any, ben: Any
) -> None:
    """Deleted rows have owners, too."""
    with acting(ben):
        feed.delete()
    with acting(ana), pytest.raises(NotPermitted):
        purge(Feed, [feed.pk])


def test_deletion__by_the_system__takes_everything_along(
    acting: Act, shared_place: tuple[Enclosure, Animal]
) -> None:
    """It sees everybody's rows."""
    with operation(actor=Actor.system(), nested=False):
        assert shared_place[0].delete()[0] == 2


def test_writes__in_shared_mode__ask_nothing_more(in_alpha: Any) -> None:
    """One statement for an update and an upsert; a deletion finds, asks what protects and marks."""
    feed = Feed.objects.create(name="hay")
    for write, most in ((feed.save, 1), (lambda: upsert(feed, "name"), 1), (feed.delete, 3)):
        with CaptureQueriesContext(connection) as asked:
            write()
        said = [each["sql"] for each in asked if "zoo_feed" in each["sql"]]
        assert len(said) == most, said
