"""Keyset pages against an oracle: every row once, in the order of the whole list, come what may."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings, strategies

from smartmodels.rest.filtering import OrderTerm
from smartmodels.rest.lists.cursors import Position
from smartmodels.rest.lists.ordering import as_keys, in_order
from smartmodels.rest.lists.paging import Found, Window, read_page, walk
from tests.support import orders
from tests.support.orders import with_key
from tests.zoo.models import Animal, Enclosure, Keeper

MOMENTS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=number) for number in range(3)]
COLUMNS = ("name", "weight", "seen_at", "ratio", "keeper", "payload", "keeper__name", "enclosure__name")

some_values = strategies.fixed_dictionaries(
    {
        "name": strategies.sampled_from(["", "a", "A", "b'", "%s", "\u2028", "\\"]),
        "weight": strategies.sampled_from([None, "0.1", "-1", "0.100001"]),
        "seen_at": strategies.sampled_from([None, *MOMENTS]),
        "ratio": strategies.sampled_from([None, 0.1, -0.0, 1e300, 0.1 + 0.2]),
        "payload": strategies.sampled_from([None, {"a": 1}, [1.5]]),
        "keeper": strategies.sampled_from([None, 0, 1]),
    }
)
some_terms = strategies.lists(
    strategies.builds(
        orders.term,
        strategies.just(Animal),
        strategies.sampled_from(COLUMNS),
        strategies.booleans(),
        strategies.booleans(),
    ),
    max_size=3,
).map(lambda terms: with_key(Animal, terms))


@pytest.fixture
def keepers(in_alpha: Any) -> Iterator[list[Keeper]]:
    """Two people, and a place."""
    Enclosure.objects.create(name="Pool")
    return [Keeper.objects.create(name=name) for name in ("Ann", "Bob")]


def animals(values: list[dict[str, Any]], keepers: list[Keeper]) -> list[Any]:
    """Insert animals with these values; return their keys."""
    place = Enclosure.objects.get()
    rows = []
    for each in values:
        keeper = None if each["keeper"] is None else keepers[each["keeper"]]
        rows.append(Animal(**{**each, "keeper": keeper, "enclosure": place}))
    return [row.pk for row in Animal.objects.bulk_create(rows)]


def reader(terms: tuple[OrderTerm, ...]) -> Any:
    """Reads rows as their keys."""
    return lambda rows: [Found(pk, tuple(key)) for pk, *key in rows.values_list("pk", *as_keys(terms))]


def ordered(terms: tuple[OrderTerm, ...]) -> list[Any]:
    """The keys of all rows, as PostgreSQL orders them at once."""
    return list(in_order(Animal.objects.all(), terms).values_list("pk", flat=True))


def by_python(terms: tuple[OrderTerm, ...]) -> list[Any]:
    """The keys of all rows, sorted by Python."""

    def compare(one: Any, other: Any) -> int:
        for term in terms:
            left, right = getattr(one, term.source), getattr(other, term.source)
            if left == right:
                continue
            if left is None or right is None:
                return -1 if (left is None) == term.nulls_first else 1
            return -1 if (left < right) != term.descending else 1
        return 0

    return [row.pk for row in sorted(Animal.objects.all(), key=cmp_to_key(compare))]


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    values=strategies.lists(some_values, max_size=14),
    further=strategies.lists(some_values, min_size=6, max_size=6),
    terms=some_terms,
    size=strategies.integers(1, 5),
    seed=strategies.integers(0, 999),
)
def test_walk__rows_come_and_go__meets_every_lasting_row_once_in_order(
    keepers: Any, values: Any, further: Any, terms: Any, size: int, seed: int
) -> None:
    """Forward to the end: what is there all the time stands as in the whole list, and nothing comes twice."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    with transaction.atomic():
        lasting = set(animals(values, keepers))
        met, position, new = [], None, list(further)
        while True:
            page = read_page(Animal.objects.all(), Window(terms, size, 0, position), reader(terms))
            met += page.rows
            position = page.next
            if position is None:
                break
            if new and chance.random() < 0.7:
                animals([new.pop()], keepers)
            if chance.random() < 0.5:
                gone = chance.choice(ordered(terms))
                lasting.discard(gone)
                Animal.objects.filter(pk=gone).delete()
        assert len(set(met)) == len(met)
        whole = ordered(terms)
        assert [pk for pk in met if pk in lasting] == [pk for pk in whole if pk in lasting]
        transaction.set_rollback(True)


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(values=strategies.lists(some_values, max_size=12), terms=some_terms, size=strategies.integers(1, 4))
def test_walk__back_from_the_end__is_the_way_forward_reversed(
    keepers: Any, values: Any, terms: Any, size: int
) -> None:
    """`previous` leads over the same rows, each page in the order of the list."""
    with transaction.atomic():
        animals(values, keepers)
        whole = ordered(terms)
        rows, read = Animal.objects.all(), reader(terms)
        last = read_page(rows, Window(terms, size, max(len(whole) - 1, 0)), read)
        met, position = list(last.rows), last.previous
        while position is not None:
            page = read_page(rows, Window(terms, size, 0, position), read)
            met, position = [*page.rows, *met], page.previous
        assert met == whole
        transaction.set_rollback(True)


@settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    values=strategies.lists(some_values, max_size=12),
    terms=strategies.lists(
        strategies.builds(
            orders.term,
            strategies.just(Animal),
            strategies.sampled_from(["weight", "seen_at"]),
            strategies.booleans(),
            strategies.booleans(),
        ),
        max_size=2,
    ).map(lambda terms: with_key(Animal, terms)),
)
def test_walk__in_chunks__is_what_python_sorts(keepers: Any, values: Any, terms: Any) -> None:
    """Nulls and directions mean what they say."""
    with transaction.atomic():
        animals(values, keepers)
        chunks = walk(Animal.objects.all(), Window(terms, 10**9), reader(terms), at_once=3)
        assert [pk for chunk in chunks for pk in chunk] == by_python(terms)
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    "given", [(), (orders.term(Animal, "name", True),), (orders.term(Animal, "weight"),)]
)
def test_walk__everything_behind_is_gone__leads_back(keepers: Any, given: Any) -> None:
    """An empty page still knows the way back to what is left."""
    animals([{"keeper": None, "name": name} for name in "abc"], keepers)
    terms = with_key(Animal, given)
    read, rows, keys = reader(terms), Animal.objects.all(), ordered(terms)
    first = read_page(rows, Window(terms, 2), read)
    rows.filter(pk=keys[2]).delete()
    empty = read_page(rows, Window(terms, 2, 0, first.next), read)
    back = read_page(rows, Window(terms, 2, 0, empty.previous), read)
    assert (empty.rows, empty.next, back.rows) == ([], None, keys[:2])


@pytest.mark.parametrize("descending", [False, True])
def test_page__deep_in_one_direction__compares_rows(keepers: Any, descending: bool) -> None:
    """One comparison of rows, which an index on the terms answers."""
    terms = with_key(Animal, [orders.term(Animal, "created_at", descending)])
    terms = (terms[0], orders.term(Animal, "id", descending))
    position = Position(("2026-01-01 00:00:00+00", str(Enclosure.objects.get().pk)))
    with CaptureQueriesContext(connection) as sent:
        read_page(Animal.objects.all(), Window(terms, 2, 0, position), reader(terms))
    sign = "<" if descending else ">"
    assert f'("zoo_animal"."created_at", "zoo_animal"."id") {sign} (' in sent[0]["sql"]
