"""Reverting many rows: queries, time, locks."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import RevertConflict
from smartmodels.history import apply_revert, plan_revert_operation, timeline, with_changes
from tests.zoo.models import Animal, Enclosure, Feed, Feeding, Tag


def herd(count: int) -> tuple[Any, Any]:
    """Animals of one enclosure, and the operation that changed all of them in different ways."""
    with operation(nested=False):
        place = Enclosure.objects.create(name="e")
        tag = Tag.objects.create(label="t")
        Animal.objects.bulk_create(
            [Animal(name=str(n), enclosure=place, weight=Decimal(n), payload={"n": n}) for n in range(count)]
        )
    rows = list(Animal.objects.order_by("pk"))
    with operation(nested=False) as opened:
        for n, row in enumerate(rows):
            row.name, row.weight = f"bad {n}", None
        Animal.objects.bulk_update(rows, ["name", "weight"], batch_size=500)
        Animal.tags.through.objects.bulk_create(
            [Animal.tags.through(animal_id=row.pk, tag_id=tag.pk) for row in rows[: count // 2]]
        )
        Animal.objects.bulk_create([Animal(name="new", enclosure=place) for _ in range(count)])
    return place, opened.id


def test_plan__many_rows__takes_few_queries(in_alpha: Any) -> None:
    """As many for 400 rows as for 4."""
    _, done = herd(200)
    with CaptureQueriesContext(connection) as sent:
        plan = plan_revert_operation(done)
    assert len(plan.rows) == 400
    touched = [query["sql"] for query in sent if "zoo_" in query["sql"] and "animal" in query["sql"].lower()]
    assert len(touched) <= 12, touched


def test_apply__many_rows__takes_few_queries(in_alpha: Any) -> None:
    """Set by set."""
    _, done = herd(200)
    plan = plan_revert_operation(done)
    with CaptureQueriesContext(connection) as sent:
        apply_revert(plan)
    assert len(sent) <= 45, [query["sql"][:200] for query in sent]


def test_revert__more_than_one_statement_holds__is_whole(in_alpha: Any) -> None:
    """Changed rows, links and new rows, each more than go into one statement."""
    _, done = herd(2_600)

    apply_revert(plan_revert_operation(done))

    assert Animal.objects.filter(name__startswith="bad").count() == 0
    assert Animal.objects.count() == 2_600


def test_with_changes__many_versions__one_query_per_tracked_link(in_alpha: Any) -> None:
    """However many versions."""
    animal = Animal.objects.create(name="a", enclosure=Enclosure.objects.create(name="e"))
    tags = [Tag.objects.create(label=str(n)) for n in range(30)]
    for n, tag in enumerate(tags):
        animal.tags.add(tag)
        Animal.objects.filter(pk=animal.pk).update(name=str(n))
    versions = list(timeline(Animal, animal.pk))
    with CaptureQueriesContext(connection) as sent:
        pairs = with_changes(versions)
    assert (len(pairs), len(sent)) == (61, 1)
    assert [change.field for change in pairs[1][1]] == ["tags"]


def test_diff__deletion_and_restoration__are_changes_of_state(in_alpha: Any) -> None:
    """Not only of the owner."""
    feed = Feed.objects.create(name="f")
    feed.delete()
    feed.undelete()
    states = [
        (change.old, change.new)
        for _, changes in with_changes(list(timeline(Feed, feed.pk)))
        for change in changes
        if change.field == "state"
    ]
    assert states == [("deleted", "living"), ("living", "deleted")]


def _in(namespace: Any, run: Any) -> Any:
    try:
        with namespace_scope(namespace), operation(actor=Actor.system(), nested=False):
            return run()
    finally:
        connections.close_all()


def test_apply__two_at_once__one_is_refused_and_none_hangs(committing: Any, alpha: Any) -> None:
    """Rows are locked in one order, and the second finds that they changed."""

    def prepare() -> Any:
        with operation(nested=False):
            feeds = Feed.objects.bulk_create([Feed(name=str(n)) for n in range(50)])
            place = Enclosure.objects.create(name="e")
            animal = Animal.objects.create(name="a", enclosure=place)
            Feeding.objects.bulk_create([Feeding(animal=animal, feed=feed) for feed in feeds])
        with operation(nested=False) as opened:
            Feed.objects.update(name="x")
            Feeding.objects.update(grams=9)
        return opened.id

    done = _in(alpha, prepare)
    both = threading.Barrier(2)

    def undo() -> str:
        plan = plan_revert_operation(done)
        both.wait(20)
        try:
            apply_revert(plan)
        except RevertConflict:
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = [pool.submit(_in, alpha, undo) for _ in range(2)]
        assert sorted(outcome.result(60) for outcome in outcomes) == ["done", "refused"]
    assert _in(alpha, lambda: Feed.objects.filter(name="x").count()) == 0


def test_apply__fails_at_the_end__leaves_nothing(in_alpha: Any) -> None:
    """All in one transaction: a value that the database refuses undoes everything."""
    with operation(nested=False):
        feed, tag = Feed.objects.create(name="old"), Tag.objects.create(label="old")
    with operation(nested=False) as opened:
        Feed.objects.update(name="new")
        Tag.objects.update(label="new")
    plan = plan_revert_operation(opened.id)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE zoo_tag ADD CONSTRAINT no_old CHECK (label <> 'old')")
    with pytest.raises(RevertConflict):
        apply_revert(plan)
    feed.refresh_from_db()
    tag.refresh_from_db()
    assert (feed.name, tag.label) == ("new", "new")


def test_admin_history_page__62_versions_with_links__takes_few_queries(
    alpha: Any, ana: Any, client_of: Callable[..., Any]
) -> None:
    """The links of all versions are read at once."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana), nested=False):
        animal = Animal.objects.create(name="a", enclosure=Enclosure.objects.create(name="e"))
        for n in range(61):
            animal.tags.add(Tag.objects.create(label=str(n)))
    browser = client_of(ana, alpha)
    with CaptureQueriesContext(connection) as sent:
        page = browser.get(f"/admin/zoo/animal/{animal.pk}/history/")
    assert page.status_code == 200
    assert len(page.context["versions"]) == 62
    assert [text.partition(":")[0] for text in page.context["versions"][0].changes] == ["tags"]
    assert len(sent) <= 15, [query["sql"] for query in sent]


def test_admin_compare_page__links_differ__names_them(
    alpha: Any, ana: Any, client_of: Callable[..., Any]
) -> None:
    """People read labels, not keys."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana), nested=False):
        animal = Animal.objects.create(name="a", enclosure=Enclosure.objects.create(name="e"))
        animal.tags.add(Tag.objects.create(label="striped"))
        animal.delete()
        newer, _, older = timeline(Animal, animal.pk).values_list("history_id", flat=True)
    page = client_of(ana, alpha).get(
        f"/admin/zoo/animal/{animal.pk}/history/compare/", {"older": older, "newer": newer}
    )
    shown = {change.field: (str(change.old), str(change.new)) for change in page.context["changes"]}
    assert shown["tags"][1] == "striped"
    assert shown["state"] == ("living", "deleted")
