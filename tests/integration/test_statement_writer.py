"""The writer without triggers: what passes the ORM gives the same history."""

from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import override_settings

from smartmodels.context import namespace_scope
from smartmodels.exceptions import ActorRequired
from smartmodels.history import defects, history_model, repair, write_versions
from smartmodels.history.evidence import verify
from smartmodels.history.writers import _followers
from tenant_apps.research.models import Observation, Specimen, Study
from tests.integration.test_history_capture import (
    WRITE_PATHS,
    assert_history_tells_the_truth,
    copy,
    from_another_schema,
    observations,
    raw_sql,
)
from tests.zoo.models import Animal, Enclosure, Feed, Keeper, Tag

pytestmark = pytest.mark.usefixtures("in_alpha")

UNSEEN = [raw_sql, copy, from_another_schema]
SEEN = [write for write in WRITE_PATHS if write not in UNSEEN]


@pytest.fixture
def followed(in_alpha: Any) -> Any:
    """No triggers of capture; statements are followed."""
    with override_settings(SMARTMODELS_HISTORY_WRITER="statement"):
        repair(defects())
        yield in_alpha


def history_of(write: Callable[[Any], Any]) -> list[tuple[Any, ...]]:
    """What the write adds to the history of each model, without what differs from run to run."""
    rows = observations()
    counts = {model: history_model(model).objects.count() for model in (Study, Specimen, Observation)}
    write(rows)
    found = [
        (model.__name__, version.history_type, version.action, getattr(version, "body_mass_g", None))
        for model, count in counts.items()
        for version in history_model(model).objects.order_by("history_id")[count:]
    ]
    # The versions of one statement have no order.
    return sorted(found, key=str)


def test_statement_writer__installed__has_no_triggers_of_capture(followed: Any) -> None:
    """`history check --repair` converts to it, and then finds nothing to do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE nspname = current_schema() AND tgname LIKE '%\\_capture\\_%'"
        )
        assert (cursor.fetchone()[0], defects()) == (0, [])


def test_trigger_writer__after_the_statement_writer__is_installed_again(followed: Any) -> None:
    """`history check --repair` converts back."""
    with override_settings(SMARTMODELS_HISTORY_WRITER="trigger"):
        repair(defects())
        Feed.objects.create(name="hay")
        assert (defects(), verify().findings) == ([], [])


@pytest.mark.parametrize("write", SEEN, ids=lambda write: write.__name__)
def test_statement_writer__write_of_the_orm__tells_the_truth(
    followed: Any, write: Callable[[Any], Any]
) -> None:
    """Every way of the ORM leaves true and verifiable versions."""
    write(observations())
    for model in (Study, Specimen, Observation):
        assert_history_tells_the_truth(model)
    assert verify().findings == []


@pytest.mark.parametrize("write", SEEN, ids=lambda write: write.__name__)
def test_statement_writer__write_of_the_orm__gives_the_history_of_the_trigger(
    in_alpha: Any, write: Callable[[Any], Any]
) -> None:
    """Both writers write the same versions."""
    by_trigger = history_of(write)
    for model in (Observation, Specimen, Study):
        model.all_objects.all().purge()
    with override_settings(SMARTMODELS_HISTORY_WRITER="statement"):
        repair(defects())
        assert history_of(write) == by_trigger


@pytest.mark.parametrize("write", UNSEEN, ids=lambda write: write.__name__)
def test_statement_writer__write_past_the_orm__is_not_seen_but_found(
    followed: Any, write: Callable[[Any], Any]
) -> None:
    """What the page says of it: no version, and verification names the rows."""
    write(observations())
    assert {each.code for each in verify().findings} == {"live"}


def test_write_versions__after_a_write_past_the_orm__makes_up_for_it(followed: Any) -> None:
    """Code that knows what it did says so."""
    rows = observations()
    raw_sql(rows)
    write_versions(Observation, [row.pk for row in rows])
    assert (rows[0].history.latest().body_mass_g, verify().findings) == (7, [])


def test_statement_writer__tracked_links__are_part_of_versions(followed: Any) -> None:
    """add, set, remove and clear, from both sides."""
    rex = Animal.objects.create(name="Rex", enclosure=Enclosure.objects.create(name="E"))
    one, two = Tag.objects.create(label="one"), Tag.objects.create(label="two")
    rex.tags.add(one)
    rex.tags.set([two])
    one.animals.add(rex)
    rex.tags.remove(one)
    rex.tags.clear()
    versions = rex.history.order_by("history_id")
    assert ([v.tags.count() for v in versions], verify().findings) == ([0, 1, 0, 1, 2, 1, 0], [])


def test_statement_writer__cascade_of_a_purge__writes_a_version_for_each(followed: Any) -> None:
    """What a purge takes along is purged in history, too."""
    enclosure = Enclosure.objects.create(name="E", keeper=Keeper.objects.create(name="K"))
    rex = Animal.objects.create(name="Rex", enclosure=enclosure)
    rex.tags.add(Tag.objects.create(label="one"))
    enclosure.purge()
    newest = history_model(Animal).objects.latest("history_id")
    assert ((newest.history_type, newest.action), verify().findings) == (("-", "purge"), [])


def test_statement_writer__without_an_operation__is_refused(followed: Any) -> None:
    """Nothing happens in nobody's name, whoever writes history."""
    Feed.objects.create(name="hay")

    def rename() -> int:
        with namespace_scope(followed):
            return int(QuerySet.update(Feed.all_objects.all(), name="x"))

    with pytest.raises(ActorRequired, match="Nobody is said to act on zoo_feed"):
        Context().run(rename)


def test_statement_writer__every_tracked_table__is_followed() -> None:
    """No tracked table, and no tracked table of links, is forgotten."""
    assert {"zoo_animal", "zoo_animal_tags", "zoo_feed", "research_study"} <= set(_followers())


def test_statement_writer__bulk_of_any_size__takes_one_statement_more(
    followed: Any, django_assert_num_queries: Any
) -> None:
    """One INSERT and one call, not one per row."""
    with django_assert_num_queries(2):
        Feed.objects.bulk_create([Feed(name=str(n)) for n in range(200)])
