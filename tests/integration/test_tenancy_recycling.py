"""A server process that met many schemas is replaced between requests; so is a connection that broke."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import close_old_connections, connection, transaction

from smartmodels.context import namespace_scope
from tenant_apps.research.models import Study
from tests.support.reads import wrong_rows
from tests.support.ways import pool
from tests.support.wire import traced

Pair = tuple[Any, Any]


@pytest.fixture(autouse=True)
def _two_schemas(settings: Any, committing: Any, pair: Pair) -> None:
    settings.SMARTMODELS_MAX_SCHEMAS_PER_CONNECTION = 2
    connection.close()  # it made the pair


def process() -> int:
    """The server process that answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def read(*namespaces: Any) -> None:
    """Meet the tables of these namespaces, and those of the public schema."""
    process()
    assert [wrong_rows(namespace) for namespace in namespaces] == [0] * len(namespaces)


def test_connection__that_met_few_schemas__stays(committing: Any, pair: Pair) -> None:
    """As many as the setting says."""
    before = process()
    read(pair[0], pair[0])
    close_old_connections()
    assert process() == before


def test_connection__that_met_many_schemas__is_replaced(committing: Any, pair: Pair) -> None:
    """When a request ends or begins, or a job does."""
    before = process()
    read(*pair)
    assert process() == before
    close_old_connections()
    assert process() != before


def test_connection__of_no_bound__stays(committing: Any, pair: Pair, settings: Any) -> None:
    """Zero is no bound."""
    settings.SMARTMODELS_MAX_SCHEMAS_PER_CONNECTION = 0
    connection.close()
    before = process()
    read(*pair)
    close_old_connections()
    assert process() == before


def test_connection__in_a_transaction__stays(committing: Any, pair: Pair) -> None:
    """However many schemas it meets there."""
    with transaction.atomic():
        before = process()
        read(*pair, *pair)
        assert process() == before


def test_schemas__met_by_one_statement__count(committing: Any, pair: Pair) -> None:
    """A query over many namespaces meets all of them at once."""
    assert len(Study.objects.across(pair)) == 6
    before = process()
    close_old_connections()
    assert process() != before


def test_pool__given_back_a_connection_that_met_many__replaces_it(committing: Any, pair: Pair) -> None:
    """The count stays with the connection, whoever takes it out of the pool next."""
    seen = []
    with pool(most=1):
        for namespace in (pair[0], pair[0], pair[1], pair[0]):
            read(namespace)
            seen.append(process())
            connection.close()
    assert (seen[0] == seen[1] == seen[2], seen[2] == seen[3]) == (True, False)


@pytest.fixture(params=["direct", "pool"])
def kept(request: pytest.FixtureRequest, committing: Any) -> Any:
    """What a process does between two requests, directly or with a pool, which keeps the connection."""
    if request.param == "direct":
        yield close_old_connections
        return
    with pool(most=1):
        yield connection.close


def test_connection__cut_off_while_nobody_used_it__is_noticed_before_the_next_query(
    kept: Callable[[], None], committing: Any, pair: Pair, databases: Any
) -> None:
    """Such as by a restart of the server: the next request does not pay for it."""
    before = process()
    kept()
    databases._execute("SELECT pg_terminate_backend(%s, 5000)", before)
    read(pair[0])
    assert process() != before


def test_connection__that_is_well__is_asked_nothing(committing: Any, pair: Pair) -> None:
    """Whether the server hung up is seen without a message to it."""
    read(pair[0])
    with traced() as wire:
        close_old_connections()
        with namespace_scope(pair[0]):
            list(Study.objects.all())
    assert len(wire.sent) == 1
