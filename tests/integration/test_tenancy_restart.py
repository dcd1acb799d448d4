"""PostgreSQL restarts under load: what was under way fails, the rest succeeds, nobody is mixed up."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, connections
from django.http import HttpRequest, JsonResponse
from django.test import RequestFactory
from django.urls import path
from pytest_django import DjangoDbBlocker

from config.database import parse_database_url
from config.postgres import Cluster, find_binaries, server
from shared_apps.namespaces.models import Domain, Namespace
from smartmodels.tenancy.models import State
from tests.support.clients import host_of
from tests.support.pgbouncer import connected
from tests.support.waiting import wait_until
from tests.support.ways import pool

THREADS = 6
SETTINGS = {"fsync": "off", "autovacuum": "off", "max_connections": "40"}


def marks(request: HttpRequest) -> JsonResponse:
    """Who the rows belong to that this request finds, after a moment in which it is under way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT whose, pg_sleep(0.01) FROM marks")
        return JsonResponse({"whose": [row[0] for row in cursor.fetchall()]})


urlpatterns = [path("marks/", marks)]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this test alone."""
    folder = Path(tempfile.mkdtemp(prefix="restart-", dir="/tmp"))
    try:
        binaries = find_binaries(os.environ)
        with Cluster(folder / "c", binaries=binaries, durable=False, settings=SETTINGS) as started:
            started.ensure_database("app")
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def namespaces(cluster: Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Namespace]]:
    """Two namespaces with one table each, in the database Django now talks to."""
    entry = parse_database_url(cluster.url("app"), engine="")
    address = {name: entry[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}  # type: ignore[literal-required]
    with django_db_blocker.unblock(), connected(**address):
        with connection.schema_editor() as editor:
            for model in (Namespace, Domain):
                editor.create_model(model)
        yield [make(slug) for slug in ("alpha", "beta")]


def make(slug: str) -> Namespace:
    """A namespace that is served, and whose only table says whose it is."""
    made = Namespace.objects.create(slug=slug, name=slug, schema_name=f"t_{slug}", state=State.ACTIVE)
    Domain.objects.create(domain=host_of(made), tenant=made, is_primary=True)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA t_{slug}; CREATE TABLE t_{slug}.marks AS SELECT '{slug}' AS whose")
    return made


@dataclass(frozen=True)
class Answer:
    """One request: when it began and ended, its status, and whether it got rows of another namespace."""

    began: float
    ended: float
    status: int
    wrong: bool


@dataclass
class Load:
    """Threads that ask for pages of the two namespaces in turn, through the whole handler, until stopped."""

    namespaces: list[Namespace]
    answers: list[Answer] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._handler = WSGIHandler()
        self._threads = [threading.Thread(target=self._work) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()
        self.more()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()

    def more(self) -> None:
        """Wait until each thread has got further answers on the whole."""
        enough = len(self.answers) + 15 * THREADS
        wait_until(lambda: len(self.answers) >= enough, "Answering", seconds=60)

    def _work(self) -> None:
        for namespace in cycle(self.namespaces):
            if self.stop.is_set():
                break
            self.answers.append(self._ask(namespace))
        connections.close_all()

    def _ask(self, namespace: Namespace) -> Answer:
        environ = RequestFactory(headers={"host": host_of(namespace)}).get("/marks/").environ
        statuses: list[str] = []
        began = time.monotonic()
        response = self._handler(environ, lambda status, _: statuses.append(status))
        body = b"".join(response)
        response.close()
        status = int(statuses[0].split()[0])
        wrong = status == 200 and body != b'{"whose": ["%s"]}' % namespace.slug.encode()
        return Answer(began, time.monotonic(), status, wrong)


def restart(cluster: Cluster) -> tuple[float, float]:
    """Restart the server, fast; return when it began to go and when it answered again."""
    began = time.monotonic()
    server.stop(cluster.site)
    server.start(cluster.site, cluster.binaries, {**server.BASE_SETTINGS, **SETTINGS})
    psycopg.connect(cluster.url("app")).close()
    return began, time.monotonic()


@pytest.mark.parametrize("way", ["direct", "pool"])
def test_server__restarted_under_load__fails_what_was_under_way_alone(
    way: str, cluster: Cluster, namespaces: list[Namespace], settings: Any
) -> None:
    """The same process serves on: no request that begins once the server is back fails."""
    settings.ROOT_URLCONF = __name__
    kept = pool(least=THREADS, most=THREADS) if way == "pool" else nullcontext()
    with kept, Load(namespaces) as load:
        gone, back = restart(cluster)
        load.more()
    failed = [answer for answer in load.answers if answer.status != 200]
    assert {answer.status for answer in failed} == {503}
    assert all(answer.ended >= gone and answer.began <= back for answer in failed)
    assert sum(answer.began > back for answer in load.answers) >= THREADS
    assert not any(answer.wrong for answer in load.answers)
