"""Several at once: no living row is left below a dead one, and nobody blocks anybody for good."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ParentDeleted
from smartmodels.softdelete import restore, soft_delete
from tests.support.waiting import wait_until
from tests.zoo.models import Animal, Enclosure, Feed, Feeding, Keeper, Permit

Act = Callable[[], Any]


class Other(threading.Thread):
    """Somebody else, on a connection of their own, acting in the namespace; keeps what went wrong."""

    def __init__(self, act: Act, namespace: Any, user: Any) -> None:
        super().__init__()
        self.act, self.namespace, self.user = act, namespace, user
        self.error: BaseException | None = None
        self.pid: int | None = None

    def run(self) -> None:
        """Act."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.pid = cursor.fetchone()[0]
            with namespace_scope(self.namespace), operation(actor=Actor.user(self.user)):
                self.act()
        except Exception as error:  # noqa: BLE001 - told by the test
            self.error = error
        finally:
            connections.close_all()

    def waits(self) -> bool:
        """Tell whether it waits for a lock, or is through."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", [self.pid])
            found = cursor.fetchone()
        return not self.is_alive() or bool(found and found[0])


@contextmanager
def meanwhile(act: Act, namespace: Any, user: Any) -> Iterator[Other]:
    """Let somebody else begin while the block's transaction is open, and end after it."""
    other = Other(act, namespace, user)
    with transaction.atomic():
        yield other
        other.start()
        wait_until(other.waits, "The other's wait for a lock")
    other.join()


@pytest.fixture
def zoo(committing: Any, alpha: Any, ana: Any) -> Iterator[Enclosure]:
    """An enclosure with a keeper, an animal and a feed, committed; ana acts in alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        enclosure = Enclosure.objects.create(name="E", keeper=Keeper.objects.create(name="K"))
        Animal.objects.create(name="a", enclosure=enclosure)
        Feed.objects.create(name="hay")
        yield enclosure


def raw_insert(enclosure: Enclosure, owner: Any) -> None:
    """Add an animal as no model would."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO zoo_animal (id, name, enclosure_id, photo, owner_id, created_by_id, updated_by_id, "
            "created_at, updated_at) VALUES (gen_random_uuid(), 'raw', %s, '', %s, %s, %s, now(), now())",
            [enclosure.pk, owner.pk, owner.pk, owner.pk],
        )


def bulk(enclosure: Enclosure) -> None:
    """Add two animals with one statement."""
    Animal.objects.bulk_create([Animal(name=name, enclosure=enclosure) for name in "xy"])


WAYS: dict[str, Callable[[Enclosure, Any], Any]] = {
    "save": lambda enclosure, _: Animal(name="n", enclosure=enclosure).save(),
    "bulk_create": lambda enclosure, _: bulk(enclosure),
    "raw SQL": raw_insert,
    "part of itself": lambda enclosure, _: Enclosure.objects.create(name="p", within=enclosure),
    "nullable key": lambda enclosure, _: Enclosure.objects.create(name="n", keeper=enclosure.keeper),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_create__while_the_parent_is_being_deleted__is_refused(
    zoo: Enclosure, alpha: Any, ana: Any, way: Callable[[Enclosure, Any], Any]
) -> None:
    """Whoever creates a child waits for the parent's fate."""
    keeper = zoo.keeper
    with meanwhile(lambda: way(zoo, ana), alpha, ana) as other:
        zoo.delete()
        keeper.delete()
    assert (type(other.error), Animal.objects.count(), Enclosure.objects.count()) == (ParentDeleted, 0, 0)


def test_create__while_a_deletion_is_taken_back__is_done(zoo: Enclosure, alpha: Any, ana: Any) -> None:
    """A deletion that comes to nothing refuses nobody."""
    other = Other(lambda: bulk(zoo), alpha, ana)
    with transaction.atomic():
        zoo.delete()
        other.start()
        wait_until(other.waits, "The other's wait for a lock")
        transaction.set_rollback(True)
    other.join()
    assert (other.error, Animal.objects.count()) == (None, 3)


def test_delete__while_a_child_is_being_created__takes_it_along(zoo: Enclosure, alpha: Any, ana: Any) -> None:
    """Whoever deletes waits for the child that is on its way."""
    with meanwhile(lambda: Enclosure.objects.get(pk=zoo.pk).delete(), alpha, ana) as other:
        bulk(zoo)
    assert (other.error, Animal.objects.count(), Animal.deleted_objects.count()) == (None, 0, 3)


def test_delete__while_a_part_is_being_created__takes_it_along(zoo: Enclosure, alpha: Any, ana: Any) -> None:
    """Also where the child is of the same model."""
    with meanwhile(lambda: Enclosure.objects.get(pk=zoo.pk).delete(), alpha, ana) as other:
        part = Enclosure.objects.create(name="p", within=zoo)
        Enclosure.objects.create(name="q", within=part)
    assert (other.error, Enclosure.objects.count()) == (None, 0)


def test_delete__while_a_link_is_being_made__cuts_it(zoo: Enclosure, alpha: Any, ana: Any) -> None:
    """A link that is on its way is cut like those that were there."""
    keeper = Keeper.objects.create(name="L")
    with meanwhile(keeper.delete, alpha, ana) as other:
        Enclosure.objects.filter(pk=zoo.pk).update(keeper=keeper)
    assert (other.error, Enclosure.objects.get(pk=zoo.pk).keeper_id) == (None, None)


def test_delete__while_it_becomes_protected__is_refused(zoo: Enclosure, alpha: Any, ana: Any) -> None:
    """A row that protects counts from its creation on, not from its commit."""
    feed = Feed.objects.get()
    with meanwhile(feed.delete, alpha, ana) as other:
        Feeding.objects.create(animal=Animal.objects.get(), feed=feed)
    assert (getattr(other.error, "code", other.error), Feed.objects.count()) == ("protected", 1)


def test_update__to_a_parent_that_is_being_deleted__is_refused(zoo: Enclosure, alpha: Any, ana: Any) -> None:
    """Moving a row is as good as making it."""
    target = Enclosure.objects.create(name="F")
    with meanwhile(lambda: Animal.objects.update(enclosure=target), alpha, ana) as other:
        target.delete()
    assert (type(other.error), Animal.objects.get().enclosure_id) == (ParentDeleted, zoo.pk)


def test_update__of_something_else__does_not_wait(zoo: Enclosure, alpha: Any, ana: Any) -> None:
    """A row that keeps its keys does not ask about what they point at."""
    keeper = zoo.keeper
    with transaction.atomic():
        list(Keeper.objects.filter(pk=keeper.pk).select_for_update())
        other = Other(lambda: Enclosure.objects.get(pk=zoo.pk).save(), alpha, ana)
        other.start()
        other.join(timeout=10)
        assert not other.is_alive()
    assert other.error is None


def test_create__below_a_deleted_row__is_refused(zoo: Enclosure) -> None:
    """Also when nobody else is there."""
    zoo.delete()
    with pytest.raises(ParentDeleted, match="zoo_enclosure"):
        Animal.objects.create(name="late", enclosure=zoo)


def test_create__deleted_row_below_a_deleted_row__is_done(zoo: Enclosure) -> None:
    """A dead row may point at a dead one: backups and fixtures have such rows."""
    zoo.delete()
    row = Animal(name="late", enclosure=zoo, deleted_at=zoo.deleted_at)
    Animal.objects.bulk_create([row])
    assert Animal.deleted_objects.count() == 2


ROUNDS = 12


def against_one_another(namespace: Any, user: Any, *acts: Act) -> list[BaseException]:
    """Let all of them act at the same moment, again and again; return what went wrong."""
    errors: list[BaseException] = []
    for _ in range(ROUNDS):
        gate = threading.Barrier(len(acts))

        def at_once(act: Act, gate: threading.Barrier = gate) -> None:
            gate.wait()
            act()

        others = [Other(lambda act=act: at_once(act), namespace, user) for act in acts]
        for other in others:
            other.start()
        for other in others:
            other.join()
        errors += [other.error for other in others if other.error is not None]
    return errors


def test_delete__same_rows_in_opposite_orders__does_not_deadlock(
    zoo: Enclosure, alpha: Any, ana: Any
) -> None:
    """Rows of one model are locked by key, whatever the order they are named in or reached."""
    parts = [Enclosure.objects.create(name=str(number), within=zoo) for number in range(30)]
    Enclosure.objects.filter(pk=parts[0].pk).update(within=parts[29])
    keys = [part.pk for part in parts]
    errors = against_one_another(
        alpha,
        ana,
        lambda: soft_delete(Enclosure, keys),
        lambda: soft_delete(Enclosure, keys[::-1]),
        lambda: soft_delete(Enclosure, [zoo.pk]),
        lambda: restore(Enclosure, [zoo.pk]),
    )
    assert errors == []


def test_delete__mates_at_the_same_moment__does_not_deadlock(zoo: Enclosure, alpha: Any, ana: Any) -> None:
    """Rows that go and rows that lose a link are locked in one order."""
    one, two = (Animal.objects.create(name=name, enclosure=zoo) for name in "12")
    Animal.objects.filter(pk=one.pk).update(mate=two)
    Animal.objects.filter(pk=two.pk).update(mate=one)

    def there_and_back(key: Any) -> None:
        soft_delete(Animal, [key])
        restore(Animal, [key])

    errors = against_one_another(alpha, ana, lambda: there_and_back(one.pk), lambda: there_and_back(two.pk))
    mates = dict(Animal.objects.filter(pk__in=[one.pk, two.pk]).values_list("pk", "mate_id"))
    assert (errors, mates) == ([], {one.pk: two.pk, two.pk: one.pk})


def test_delete__of_all_kinds_at_once__leaves_no_living_row_below_a_dead_one(
    zoo: Enclosure, alpha: Any, ana: Any
) -> None:
    """Deletions, restorations and creations of related rows come out as if one after the other."""
    keeper, animal, feed = zoo.keeper, Animal.objects.get(), Feed.objects.get()

    def create() -> None:
        with transaction.atomic():
            Permit.objects.create(enclosure=zoo, keeper=keeper, substitute=keeper)
            Feeding.objects.create(animal=animal, feed=feed)

    create()
    errors = against_one_another(
        alpha, ana,
        create,
        lambda: soft_delete(Enclosure, [zoo.pk]),
        lambda: restore(Enclosure, [zoo.pk]),
        lambda: soft_delete(Keeper, [keeper.pk]),
        lambda: restore(Keeper, [keeper.pk]),
    )  # fmt: skip
    codes = {getattr(error, "code", repr(error)) for error in errors}
    below = [
        Feeding.objects.exclude(animal__deleted_at=None).count(),
        Animal.objects.exclude(enclosure__deleted_at=None).count(),
        Permit.objects.exclude(enclosure__deleted_at=None, keeper__deleted_at=None).count(),
        Enclosure.objects.filter(keeper__deleted_at__isnull=False).count(),
    ]
    assert (codes <= {"parent-deleted", "restore-conflict", "protected"}, below) == (True, [0] * 4), codes
