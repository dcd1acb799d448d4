"""T2, T3: ways around the ORM's front door answer from the bound namespace, or are refused."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.db.models import Case, Value, When
from django.db.utils import ProgrammingError

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import NamespaceMismatch
from tenant_apps.research.models import Study

IDS = "SELECT id FROM research_study"


@pytest.fixture
def studies(committing: Any, pair: Any, alpha: Any, beta: Any) -> dict[str, set[Any]]:
    """The keys of the studies of alpha and of beta."""
    found = {}
    for namespace in (alpha, beta):
        with namespace_scope(namespace):
            found[namespace.slug] = set(Study.objects.values_list("pk", flat=True))
    return found


def streamed(cursor: Any) -> set[Any]:
    return {row[0] for row in cursor.cursor.stream(IDS)}


def after_begin(cursor: Any) -> set[Any]:
    cursor.execute(f"BEGIN; {IDS}")
    cursor.nextset()
    rows = {row[0] for row in cursor.fetchall()}
    cursor.execute("COMMIT")
    return rows


def after_comment(cursor: Any) -> set[Any]:
    cursor.execute(f"/* which? */ -- these\n {IDS}")
    return {row[0] for row in cursor.fetchall()}


@pytest.mark.parametrize("read", [streamed, after_begin, after_comment])
def test_cursor__kept_while_the_namespace_changes__reads_the_bound_one(
    read: Callable[[Any], set[Any]], studies: dict[str, set[Any]], alpha: Any, beta: Any
) -> None:
    """One cursor, two namespaces: each statement sees its own."""
    with connection.cursor() as cursor:
        with namespace_scope(alpha):
            assert read(cursor) == studies["alpha"]
        with namespace_scope(beta):
            assert read(cursor) == studies["beta"]


@pytest.mark.parametrize("read", [streamed, after_begin])
def test_cursor__kept_after_the_scope__reads_nothing(
    read: Callable[[Any], set[Any]], studies: dict[str, set[Any]], alpha: Any
) -> None:
    """Unbound means closed, also for a cursor that was bound before."""
    with connection.cursor() as cursor:
        with namespace_scope(alpha):
            read(cursor)
        with pytest.raises(ProgrammingError if read is after_begin else Exception, match="does not exist"):
            read(cursor)
        connection.close()


def test_savepoint__followed_by_a_query__reads_the_bound_namespace(
    studies: dict[str, set[Any]], alpha: Any, beta: Any
) -> None:
    """Only a statement that stands alone goes without the path."""
    with transaction.atomic(), connection.cursor() as cursor:
        with namespace_scope(alpha):
            cursor.execute(IDS)
        with namespace_scope(beta):
            cursor.execute(f"SAVEPOINT here; {IDS}")
            cursor.nextset()
            assert {row[0] for row in cursor.fetchall()} == studies["beta"]


def test_aiterator__continued_in_another_namespace__is_refused(
    studies: dict[str, set[Any]], alpha: Any, beta: Any
) -> None:
    """Async iteration has the rule of the other one."""

    async def read() -> None:
        with namespace_scope(alpha):
            rows = aiter(Study.objects.order_by("pk").aiterator(chunk_size=1))
            await anext(rows)
        with namespace_scope(beta), pytest.raises(NamespaceMismatch):
            await anext(rows)

    async_to_sync(read)()


def test_raw__made_in_one_namespace__is_refused_in_another(
    studies: dict[str, set[Any]], alpha: Any, beta: Any
) -> None:
    """An SQL statement belongs to the namespace it was made in, its cached rows as well."""
    with namespace_scope(alpha):
        fresh, cached = Study.objects.raw(IDS), Study.objects.raw(IDS)
        assert {row.pk for row in cached} == studies["alpha"]
        begun = Study.objects.raw(IDS).iterator()
        next(begun)
    with namespace_scope(beta):
        for rows in (fresh, cached, begun):
            with pytest.raises(NamespaceMismatch):
                list(rows)


def test_expression__with_a_row_of_another_namespace__is_refused(
    studies: dict[str, set[Any]], alpha: Any, beta: Any
) -> None:
    """A row hidden in an annotation is found."""
    with namespace_scope(alpha):
        foreign = Study.objects.first()
    with namespace_scope(beta):
        with pytest.raises(NamespaceMismatch):
            Study.objects.annotate(same=Case(When(pk=foreign, then=Value(1)), default=Value(0)))
        with pytest.raises(NamespaceMismatch):
            Study.objects.contains(foreign)


def many(cursor: Any, key: Any) -> None:
    cursor.executemany("UPDATE research_study SET title = %s WHERE id = %s", [("x", key)])


def commented(cursor: Any, key: Any) -> None:
    cursor.execute("/* why */ UPDATE research_study SET title = 'x' WHERE id = %s", [key])


def block(cursor: Any, key: Any) -> None:
    cursor.execute(f"DO $$ BEGIN UPDATE research_study SET title = 'x' WHERE id = '{key}'; END $$")  # noqa: S608


@pytest.mark.parametrize("write", [many, commented, block])
def test_history__of_a_raw_write_outside_a_transaction__names_actor_and_reason(
    write: Callable[[Any, Any], None], studies: dict[str, set[Any]], alpha: Any, ana: Any
) -> None:
    """H2: whatever way a write takes, its operation travels with it."""
    key = min(studies["alpha"])
    with namespace_scope(alpha), operation(actor=Actor.user(ana), reason="why") as opened:
        with connection.cursor() as cursor:
            write(cursor, key)
        newest = Study.objects.get(pk=key).history.latest()
    assert (newest.actor_label, newest.history_change_reason, newest.operation_id) == (
        ana.email, "why", opened.id,
    )  # fmt: skip
