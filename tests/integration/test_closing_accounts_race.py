"""Whoever writes while an account closes is either done before, or refused: nothing is left behind."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test import override_settings

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Membership
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import AccountBusy, OwnerClosed
from smartmodels.ownership import owned_models, sentinel_id
from tenant_apps.research.models import Study
from tests.support.closing import close, in_thread, study_of
from tests.zoo.models import Tag

ROUNDS = 200
WRITERS = 3


def one(user: Any, namespace: Any, number: str) -> int:
    """Create one row."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        Study.objects.create(code=number)
    return 1


def many(user: Any, namespace: Any, number: str) -> int:
    """Create several at once, in somebody's name."""
    with namespace_scope(namespace), operation(actor=Actor.system("import")):
        Tag.objects.bulk_create([Tag(label=f"{number}.{each}", owner=user) for each in range(3)])
    return 3


def given(user: Any, namespace: Any, number: str) -> int:
    """Create a row of the sentinel's, then give it to the user."""
    with namespace_scope(namespace), operation(actor=Actor.system("import")), transaction.atomic():
        row = Study.objects.create(code=number)
        Study.objects.filter(pk=row.pk).update(owner=user)
    return 1


def deleted(user: Any, namespace: Any, number: str) -> int:
    """Create a row and delete it: it is remembered whom a restore gives it back to."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)), transaction.atomic():
        Study.objects.create(code=number).delete()
    return 1


WAYS: tuple[Callable[..., int], ...] = (one, many, given, deleted)


class Writer:
    """A thread that writes rows for one user after another, each until it is refused."""

    def __init__(self, users: list[Any], namespaces: Any, gate: threading.Barrier, seed: int) -> None:
        self._users, self._namespaces, self._gate = users, namespaces, gate
        self._chance = random.Random(seed)  # noqa: S311 - the same ways in every run
        self._names = (f"{seed}-{number}" for number in count())
        self.written = dict.fromkeys((user.pk for user in users), 0)
        self.odd: list[BaseException] = []

    def run(self) -> None:
        for user in self._users:
            self._gate.wait(timeout=60)
            try:
                patience = time.monotonic() + 20
                while time.monotonic() < patience:
                    namespace = self._chance.choice(self._namespaces)
                    way = self._chance.choice(WAYS)
                    with transaction.atomic():
                        rows = way(user, namespace, next(self._names))
                        # Some are still open when the closing begins, and when an unguarded one has ended.
                        time.sleep(self._chance.choice((0, 0, 0, 0, 0.06)))
                    self.written[user.pk] += rows
                self.odd.append(AssertionError(f"{user.email} was never refused"))
            except OwnerClosed:
                pass
            except BaseException as error:  # noqa: BLE001 - told by the test
                self.odd.append(error)
            self._gate.wait(timeout=60)


def left_behind(users: list[Any], namespaces: Any) -> int:
    """How many rows, living or deleted, still belong to one of the users."""
    keys, left = [user.pk for user in users], 0
    for namespace in namespaces:
        with namespace_scope(namespace):
            for model in owned_models():
                left += model.all_objects.filter(owner_id__in=keys).count()
                left += model.all_objects.filter(owner_before_deletion_id__in=keys).count()
    return left


def handed_over(namespaces: Any) -> Counter[Any]:
    """How many rows the sentinel holds for each user."""
    held: Counter[Any] = Counter()
    for namespace in namespaces:
        with namespace_scope(namespace):
            for model in (Study, Tag):
                held.update(model.all_objects.values_list("former_owner_id", flat=True))
    del held[None]
    return held


@pytest.mark.slow
def test_close_account__while_others_write__leaves_nothing_behind(
    committing: Any, alpha: Any, beta: Any
) -> None:
    """200 accounts, each closed while three connections write rows for it in four ways."""
    users = [User(email=f"race{number}@example.org") for number in range(ROUNDS)]
    User.objects.bulk_create(users)
    namespaces, gate = (alpha, beta), threading.Barrier(WRITERS + 1)
    chance = random.Random(1)  # noqa: S311 - the same pauses in every run
    writers = [Writer(users, namespaces, gate, seed) for seed in range(WRITERS)]
    threads = [in_thread(writer.run) for writer in writers]
    for user in users:
        gate.wait(timeout=60)
        time.sleep(chance.random() / 50)
        closing = close(user)
        gate.wait(timeout=60)
        assert closing.left == ()
    for thread in threads:
        thread.join()
    assert [error for writer in writers for error in writer.odd] == []
    assert left_behind(users, namespaces) == 0
    written = sum((Counter(writer.written) for writer in writers), Counter())
    assert handed_over(namespaces) == written
    assert written.total() > ROUNDS


def test_close_account__writer_in_flight__is_waited_for(committing: Any, ben: Any, alpha: Any) -> None:
    """The row of a transaction that was open when the closing began is handed over with the others."""
    closings: list[Any] = []
    with transaction.atomic():
        study_of(ben, alpha)
        thread = in_thread(lambda: closings.append(close(ben)))
        thread.join(timeout=0.5)
        assert closings == []
    thread.join()
    assert closings[0].rows["alpha"] == 1


def test_close_account__writer_that_does_not_end__is_refused_and_nothing_changes(
    committing: Any, ben: Any, alpha: Any
) -> None:
    """Closing waits for so long and then says why it gave up."""
    refused: list[Any] = []

    def try_to_close() -> None:
        try:
            close(ben)
        except AccountBusy as error:
            refused.append(error.code)

    with override_settings(SMARTMODELS_CLOSING_WAIT=0.2), transaction.atomic():
        study_of(ben, alpha)
        in_thread(try_to_close).join()
    ben.refresh_from_db()
    assert (refused, ben.is_active, Membership.objects.filter(user=ben).count()) == (
        ["account-busy"],
        True,
        2,
    )


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_insert__snapshot_from_before_the_closing__is_refused(
    committing: Any, ben: Any, alpha: Any, level: str
) -> None:
    """A transaction that cannot see the closing fails instead of leaving a row."""
    insert = (
        f'INSERT INTO "{alpha.schema_name}".zoo_tag (id, label, owner_id, created_by_id, updated_by_id,'  # noqa: S608
        " created_at, updated_at) VALUES (gen_random_uuid(), 'x', %(b)s, %(b)s, %(b)s, now(), now())"
    )
    with psycopg.connect(committing.url, options=f'-c search_path="{alpha.schema_name}",public') as other:
        other.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        other.execute("SELECT count(*) FROM accounts_user")
        close(ben)
        with pytest.raises(psycopg.errors.SerializationFailure):
            other.execute(insert, {"b": ben.pk})


WRITES: dict[str, Callable[[Any, Study], Any]] = {
    "create": lambda ben, _: Study.objects.create(code="new", owner=ben),
    "bulk_create": lambda ben, _: Study.objects.bulk_create([Study(code="new", owner=ben)]),
    "save": lambda ben, row: give(row, ben),
    "update": lambda ben, row: Study.objects.filter(pk=row.pk).update(owner=ben),
    "bulk_update": lambda ben, row: (setattr(row, "owner", ben), Study.objects.bulk_update([row], ["owner"])),
}


def give(row: Study, user: Any) -> None:
    """Give the row to the user and save it."""
    row.owner = user
    row.save()


@pytest.mark.parametrize("way", WRITES)
def test_write__for_a_closed_account__is_refused(in_alpha: Any, ana: Any, ben: Any, way: str) -> None:
    """Nothing new belongs to a closed account, whatever writes it."""
    row = Study.objects.create(code="old")
    close(ben)
    with pytest.raises(OwnerClosed), transaction.atomic():
        WRITES[way](ben, row)


def test_update__row_of_an_account_that_is_being_closed__is_allowed(in_alpha: Any, ben: Any) -> None:
    """Until a row is handed over others can go on working with it."""
    row = Study.objects.create(code="old", owner=ben)
    close(ben, seconds=0)
    row.title = "new"
    row.save()
    row.refresh_from_db()
    assert (row.title, row.owner_id) == ("new", ben.pk)


def test_insert__owned_by_the_sentinel__takes_no_lock(in_alpha: Any) -> None:
    """What belongs to nobody waits for nobody."""
    Study.objects.create(code="x", owner_id=sentinel_id())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)


def test_request__by_somebody_whose_account_closes__answers_409(alpha: Any, ben: Any, api_of: Any) -> None:
    """A request that is late to the closing is told so."""
    api = api_of(ben, alpha)
    User.objects.filter(pk=ben.pk).update(closed_at="2026-01-01T00:00:00Z")
    answer = api.post("/api/v1/studies/", {"code": "late"})
    assert (answer.status_code, answer.json()["code"]) == (409, "owner-closed")


def test_update__account_closed_in_the_same_transaction__is_refused(in_alpha: Any, ben: Any) -> None:
    """What a transaction knew of an account before it closed it does not count any more."""
    first, second = Study.objects.create(code="1"), Study.objects.create(code="2")
    give(first, ben)
    close(ben)
    with pytest.raises(OwnerClosed), transaction.atomic():
        give(second, ben)
