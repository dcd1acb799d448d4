"""A version never names somebody whose operation was over: what a statement looks like does not matter."""

from typing import Any

import pytest
from django.db import NotSupportedError, connection, transaction

from shared_apps.accounts.models import User
from smartmodels.context import Actor, operation
from tests.zoo.models import Animal, Enclosure, Feed

WRITER = (
    "CREATE FUNCTION pg_temp.rename() RETURNS int LANGUAGE plpgsql AS "
    "$$ BEGIN UPDATE zoo_feed SET name = 'renamed'; RETURN 1; END $$"
)
STATEMENTS = [
    "SELECT 1; UPDATE zoo_feed SET name = 'renamed'",
    "SELECT pg_temp.rename()",
    "(SELECT pg_temp.rename())",
    "SELECT 1 WHERE pg_temp.rename() = 1",
    "EXPLAIN ANALYZE UPDATE zoo_feed SET name = 'renamed'",
    "EXPLAIN (ANALYZE, COSTS OFF) UPDATE zoo_feed SET name = 'renamed'",
    "DECLARE c CURSOR FOR SELECT 1; UPDATE zoo_feed SET name = 'renamed'",
    "DO $$ BEGIN UPDATE zoo_feed SET name = 'renamed'; END $$",
    "PREPARE p AS UPDATE zoo_feed SET name = 'renamed'; EXECUTE p; DEALLOCATE p",
]


@pytest.mark.usefixtures("in_alpha")
@pytest.mark.parametrize("statement", STATEMENTS)
def test_version__after_somebody_elses_operation__names_who_acts(ben: User, statement: str) -> None:
    """Ana wrote before, in the same transaction; ben writes now."""
    with connection.cursor() as cursor:
        cursor.execute(WRITER)
    feed = Feed.objects.create(name="krill")
    with operation(actor=Actor.user(ben), nested=False), connection.cursor() as cursor:
        cursor.execute(statement)
    assert feed.history.order_by("-history_id")[0].actor_label == ben.email


def test_write_of_tracked_links__under_repeatable_read__is_refused(
    committing: Any, alpha: Any, ana: User, in_alpha: Any
) -> None:
    """A snapshot could miss a link that was added meanwhile, so no false version is written."""
    animal = Animal.objects.create(name="a", enclosure=Enclosure.objects.create(name="e"))

    def write() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        animal.name = "b"
        animal.save()

    with pytest.raises(NotSupportedError), transaction.atomic():
        write()
    assert Animal.objects.get().name == "a"
