"""The change feed while many write at once: nothing is missed, nothing told twice, nothing out of order."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from django.db import connections, transaction

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import Place, newest_place, read_on
from smartmodels.history.evidence import anchor
from tenant_apps.research.models import Study
from tests.zoo.models import Tag

WRITERS, ROUNDS, READERS = 4, 12, 3


class RolledBack(Exception):
    """Nothing of this transaction is ever to be told."""


def write(namespace: Any, user: Any, number: int) -> None:
    """Transactions of several statements that last: many commit after later ones that were shorter."""
    chance = random.Random(number)  # noqa: S311
    try:
        with namespace_scope(namespace), operation(actor=Actor.user(user)):
            for turn in range(ROUNDS):
                with suppress(RolledBack), transaction.atomic():
                    row = Study.objects.create(code=f"{number}-{turn}", title="a")
                    time.sleep(chance.random() * 0.02)
                    Tag.objects.create(label=f"{number}-{turn}")
                    row.title = "b"
                    row.save()
                    Study.objects.bulk_create(
                        [
                            Study(code=f"{number}-{turn}-{each}", title="c")
                            for each in range(chance.randrange(6))
                        ]
                    )
                    if turn % 5 == 4:
                        raise RolledBack
    finally:
        connections.close_all()


def follow(namespace: Any, number: int, place: Place, done: list[bool]) -> list[tuple[str, int]]:
    """Read on and on with pages of all sizes; one reader has everything chained by the worker's job, too."""
    chance, told, last = random.Random(number), [], False  # noqa: S311
    try:
        with namespace_scope(namespace):
            while True:
                part = read_on(place, (Study, Tag), chance.choice((1, 2, 5, 50)))
                told += [(each.instance_type.__name__, each.history_id) for _, each in part.versions]
                place = part.versions[-1][0] if part.versions and chance.random() < 0.5 else part.place
                if not part.more and place == part.place:
                    if last:
                        return told
                    last = bool(done)
                if number == 0:
                    anchor()
    finally:
        connections.close_all()


def test_feed__writers_and_readers_together__tells_every_version_once(
    committing: Any, alpha: Any, ana: Any
) -> None:
    """In the same order to every reader, and each row's versions in the order in which they were made."""
    with namespace_scope(alpha):
        begin = newest_place()
        before = {(model.__name__, each) for model in (Study, Tag) for each in numbers(model)}
    done: list[bool] = []
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        readers = [pool.submit(follow, alpha, number, begin, done) for number in range(READERS)]
        for writer in [pool.submit(write, alpha, ana, number) for number in range(WRITERS)]:
            writer.result()
        done.append(True)
        told = [reader.result() for reader in readers]
    with namespace_scope(alpha):
        there = {(model.__name__, each) for model in (Study, Tag) for each in numbers(model)} - before
        of_row = dict(Study.history.values_list("history_id", "id"))
    assert [len(each) for each in told] == [len(there)] * READERS
    assert all(set(each) == there for each in told)
    assert told[0] == told[1] == told[2]
    rows: dict[Any, list[int]] = {}
    for name, number in told[0]:
        if name == "Study":
            rows.setdefault(of_row[number], []).append(number)
    assert all(found == sorted(found) for found in rows.values())


def numbers(model: Any) -> list[int]:
    return list(model.history.values_list("history_id", flat=True))
