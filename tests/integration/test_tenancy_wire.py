"""What is sent to PostgreSQL: one message per statement, a SET only when the path differs (DESIGN T2)."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg._queries import _query2pg_client

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.tenancy.routing import namespace_for_host
from tenant_apps.research.models import Study
from tests.support.clients import host_of
from tests.support.reads import READS, chooser, codes_of, count_wrong, wrong_rows
from tests.support.waiting import wait_until
from tests.support.wire import traced

Pair = tuple[Any, Any]


def _read(namespace: Any) -> None:
    with namespace_scope(namespace):
        list(Study.objects.all())


def _find(namespace: Any) -> None:
    with namespace_scope(namespace):
        list(Study.objects.filter(code="SAL"))


# Sessions: one client, one server process


def test_read__the_first_in_a_namespace__sends_one_message(committing: Any, pair: Pair) -> None:
    """The SET travels with the statement."""
    _read(pair[1])
    with traced() as wire:
        _read(pair[0])
    assert len(wire.sent) == len(wire.holding("SET search_path")) == 1


def test_read__the_second_in_a_namespace__sends_no_set(committing: Any, pair: Pair) -> None:
    """The connection knows that the path is right."""
    _read(pair[0])
    with traced() as wire:
        _read(pair[0])
    assert (len(wire.sent), wire.holding("search_path")) == (1, [])


def test_read__in_another_namespace__is_parsed_once(committing: Any, pair: Pair) -> None:
    """The driver remembers statements, and would remember none with as many preludes as namespaces."""
    _find(pair[0])
    parsed = _query2pg_client.cache_info().misses
    _find(pair[1])
    assert _query2pg_client.cache_info().misses == parsed


def test_write__with_an_operation__sends_one_message_besides_the_transaction(
    committing: Any, pair: Pair, ana: Any
) -> None:
    """Path and operation travel with the INSERT."""
    ana_acts = operation(actor=Actor.user(ana))
    with namespace_scope(pair[0]), ana_acts, traced() as wire, transaction.atomic():
        Study.objects.bulk_create([Study(code="new")])
    insert = [text for text in wire.sent if "INSERT" in text]
    assert (len(insert), "search_path" in insert[0], "set_config" in insert[0]) == (1, True, True)
    assert [text for text in wire.sent if "INSERT" not in text] == ["BEGIN", "COMMIT"]


@pytest.fixture
def warm_page(committing: Any, pair: Pair, settings: Any, client_of: Callable[..., Any]) -> Callable[[], Any]:
    """Get a page of alpha's that reads its studies, as a process does that has been serving for a while."""
    settings.SMARTMODELS_ROUTING_TTL = 60
    settings.ROOT_URLCONF = "tests.support.pages"
    client = client_of(None, pair[0])

    def get() -> Any:
        response = client.get("/codes/")
        assert response.json() == {"codes": codes_of(pair[0])}
        return response

    def is_warm() -> bool:
        with traced() as wire:
            get()
        return not wire.holding("namespaces_domain")

    wait_until(is_warm, "Caching the host")
    return get


def test_request__on_a_warm_host__sends_only_its_own_query(warm_page: Callable[[], Any]) -> None:
    """No query for routing, and no SET in the same namespace again."""
    with traced() as wire:
        warm_page()
    assert (len(wire.sent), wire.holding("search_path")) == (1, [])


def test_request__after_another_namespaces__sends_one_set(warm_page: Callable[[], Any], pair: Pair) -> None:
    """A connection that comes from another namespace is turned round by one SET in the first message."""
    _read(pair[1])
    with traced() as wire:
        warm_page()
    assert (len(wire.sent), len(wire.holding("SET search_path"))) == (1, 1)


def test_request__with_a_session__sends_one_set(
    warm_page: Callable[[], Any], pair: Pair, ana: Any, client_of: Callable[..., Any]
) -> None:
    """Session, user, membership and the page's own query: four messages, one SET."""
    client = client_of(ana, pair[0])
    client.get("/codes/")
    _read(pair[1])
    with traced() as wire:
        client.get("/codes/")
    assert (len(wire.sent), len(wire.holding("SET search_path"))) == (4, 1)


def test_routing__of_a_warm_host__sends_nothing(warm_page: Callable[[], Any], pair: Pair) -> None:
    """2,000 look-ups of a known host cost no query at all."""
    with traced() as wire:
        for _ in range(READS):
            assert namespace_for_host(host_of(pair[0])).pk == pair[0].pk
    assert wire.sent == []


# Pooler in transaction mode: every transaction may meet another server process


@pytest.fixture
def pooled(committing: Any, pair: Pair, settings: Any) -> Pair:
    """The pair, in the mode for poolers."""
    settings.SMARTMODELS_POOLER = True
    return pair


def test_read__through_a_pooler__carries_its_path_each_time(pooled: Pair) -> None:
    """Outside of transactions nothing is relied on: each message sets the path for itself alone."""
    _read(pooled[0])
    with traced() as wire:
        _read(pooled[0])
        _read(pooled[0])
    assert len(wire.sent) == len(wire.holding("SET LOCAL search_path")) == 2


def test_reads__in_a_transaction_through_a_pooler__send_one_set(pooled: Pair) -> None:
    """A transaction stays with one server process."""
    with traced() as wire, transaction.atomic():
        _read(pooled[0])
        _read(pooled[0])
    assert len(wire.holding("SET LOCAL search_path")) == 1


def test_copy__through_a_pooler__reads_the_namespace(pooled: Pair) -> None:
    """COPY travels alone, so a transaction keeps it with its SET."""
    statement = "COPY (SELECT code FROM research_study ORDER BY code) TO STDOUT"
    with namespace_scope(pooled[0]), connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        found = [row[0] for row in copy.rows()]
    assert found == codes_of(pooled[0])


def test_utility_statement__through_a_pooler__meets_the_namespace(pooled: Pair) -> None:
    """So does whatever may not share a message."""
    with namespace_scope(pooled[1]), operation(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE research_study CASCADE")
    assert (wrong_rows(pooled[0]), wrong_rows(pooled[1])) == (0, 3)


def test_executemany__through_a_pooler__meets_the_namespace(pooled: Pair) -> None:
    """So does a statement that is sent many times."""
    codes = codes_of(pooled[0])
    with namespace_scope(pooled[0]), operation(), connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE research_study SET title = 'many' WHERE code = %s", [[code] for code in codes]
        )
        assert Study.objects.filter(title="many").count() == 3


class Juggler:
    """What a pooler does between two transactions: hand the client another server process.

    Each of the processes was last used by somebody who left the path of another namespace behind.
    """

    def __init__(self, pair: Pair, processes: int) -> None:
        connection.ensure_connection()
        self.chosen = chooser(8)
        self.sessions = [connection.connection]
        while len(self.sessions) < processes:
            self.sessions.append(connection.get_new_connection(connection.get_connection_params()))
        for number, session in enumerate(self.sessions):
            session.autocommit = True
            session.execute(f'SET search_path TO "{pair[number % 2].schema_name}", public')

    def juggle(self) -> None:
        """Hand over, unless a transaction is open."""
        if not connection.in_atomic_block:
            connection.connection = self.chosen.choice(self.sessions)

    def close(self) -> None:
        """Close all but the one in Django's hands."""
        for session in self.sessions:
            if session is not connection.connection:
                session.close()


def test_reads__when_server_processes_change__see_their_own_rows(pooled: Pair) -> None:
    """Single reads, transactions, failures and cursors, on server processes with foreign paths."""
    juggler = Juggler(pooled, 4)
    wrong = 0
    for number in range(READS):
        juggler.juggle()
        namespace, other = juggler.chosen.sample(pooled, 2)
        if number % 4 == 0:
            with transaction.atomic():
                wrong += wrong_rows(namespace) + wrong_rows(other)
        elif number % 4 == 1:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")
        elif number % 4 == 2:
            with namespace_scope(namespace):
                rows = Study.objects.iterator(chunk_size=1)
                found = []
                for study in rows:
                    found.append(study.code)
                    juggler.juggle()
            wrong += count_wrong(namespace, found)
        juggler.juggle()
        wrong += wrong_rows(namespace)
    juggler.close()
    assert wrong == 0
