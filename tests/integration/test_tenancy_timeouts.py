"""How long one statement may take follows the kind of work, and is said with the path."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from config import urls_namespace
from smartmodels.context import Actor, current_work, namespace_scope, operation, working
from smartmodels.rest import ApiView, Response
from tenant_apps.research.models import Study
from tests.support.clients import AsyncBrowser
from tests.support.pages import urlpatterns as pages
from tests.support.reads import wrong_rows
from tests.support.ways import WAYS, Way
from tests.support.wire import traced

TIMES = {"request": 0.2, "job": 90.0}
Pair = tuple[Any, Any]


def write_and_sleep() -> None:
    """Write a row, then take longer than a request may."""
    with operation(), transaction.atomic(), connection.cursor() as cursor:
        Study.objects.create(code="half")
        cursor.execute("SELECT pg_sleep(5)")


class Slow(ApiView):
    """An endpoint that takes too long."""

    def get(self, request: Any) -> Response:
        """Write, then sleep."""
        write_and_sleep()
        return Response({})


def slow_page(request: HttpRequest) -> HttpResponse:
    """Write, then sleep, as a page."""
    write_and_sleep()
    return HttpResponse()


urlpatterns = [
    path("api/v1/slow/", Slow.as_view()),
    path("slow/", slow_page),
    *pages,
    *urls_namespace.urlpatterns,
]
handler404 = urls_namespace.handler404
handler500 = urls_namespace.handler500


@pytest.fixture(autouse=True)
def _times(settings: Any) -> None:
    settings.SMARTMODELS_STATEMENT_TIMEOUTS = TIMES
    settings.ROOT_URLCONF = __name__


def in_force() -> str:
    """How long a statement may take, as PostgreSQL writes it."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return str(cursor.fetchone()[0])


# Kinds of work


def test_work__nested__is_the_inner_one() -> None:
    """And the outer one again afterwards, also after an error."""
    with working("job"):
        with suppress(ValueError), working("request"):
            assert current_work() == "request"
            raise ValueError
        assert current_work() == "job"
    assert current_work() is None


def test_work__entered_twice__is_refused() -> None:
    """One block, one object."""
    block = working("job")
    with block, pytest.raises(RuntimeError, match="fresh one"), block:
        pass


def test_work__in_tasks_at_once__is_each_its_own() -> None:
    """A task inherits a copy."""

    async def task(kind: str) -> str | None:
        async with working(kind):
            await asyncio.sleep(0)
            return current_work()

    async def main() -> list[str | None]:
        return await asyncio.gather(task("request"), task("job"))

    assert asyncio.run(main()) == ["request", "job"]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_time__of_each_kind_of_work__is_in_force(way: Way, committing: Any, pair: Pair) -> None:
    """On connections that were used for another kind before; where nothing is said, the server decides."""
    with way(committing.name):
        found = []
        for kind in ("job", None, "request", "unheard-of", "job"):
            with namespace_scope(pair[0]), working(kind):
                found.append(in_force())
                with transaction.atomic():
                    wrong_rows(pair[1])
                    found.append(in_force())
            connection.close()
    assert found == [each for time in ("90s", "0", "200ms", "0", "90s") for each in (time, time)]


def test_time__after_rollbacks__is_in_force(committing: Any, pair: Pair) -> None:
    """PostgreSQL takes back what was set in a transaction or savepoint that failed."""
    found = []
    with namespace_scope(pair[0]):
        for undone in range(2):
            with working("job"), suppress(ValueError), transaction.atomic():
                with suppress(ValueError), transaction.atomic(), working("request"):
                    found.append(in_force())
                    raise ValueError
                found.append(in_force())
                if undone:
                    raise ValueError
            found.append(in_force())
    assert found == ["200ms", "90s", "0"] * 2


def test_time__of_a_known_kind__is_said_once(committing: Any, pair: Pair) -> None:
    """Not with every statement, nor with every request."""
    with working("job"), traced() as wire:
        for _ in range(3):
            wrong_rows(pair[0])
            wrong_rows(pair[1])
    assert (len(wire.sent), len(wire.holding("statement_timeout"))) == (6, 1)


# Requests


@pytest.fixture
def client(client_of: Callable[..., Any], ana: Any, alpha: Any) -> Client:
    """Ana's browser on alpha."""
    browser: Client = client_of(ana, alpha)
    browser.raise_request_exception = False
    return browser


@pytest.mark.parametrize("before", ["/api/v1", ""])
def test_request__with_a_statement_that_takes_too_long__says_so(client: Client, before: str) -> None:
    """Not that the database is gone."""
    answer = client.get(f"{before}/slow/")
    assert (answer.status_code, answer.json()["code"]) == (503, "statement-timeout")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Retry-After"] == "5"


def test_request__that_took_too_long__wrote_nothing(client: Client, alpha: Any) -> None:
    """Its transaction is undone."""
    client.get("/slow/")
    with namespace_scope(alpha):
        assert not Study.objects.filter(code="half").exists()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_request__after_one_that_took_too_long__succeeds(
    way: Way, committing: Any, client_of: Callable[..., Any], ana: Any, pair: Pair
) -> None:
    """Whatever the way to PostgreSQL."""
    with way(committing.name):
        browser = client_of(ana, pair[0])
        assert [browser.get(where).status_code for where in ("/slow/", "/codes/")] == [503, 200]


def test_time__of_a_stream__is_that_of_requests(client: Client, pair: Pair) -> None:
    """Chunks are made after the middleware has returned."""
    response = client.get("/stream/")
    chunks = iter(response.streaming_content)
    next(chunks)
    with traced() as wire:
        in_force()
        list(chunks)
    assert (current_work(), len(wire.holding("statement_timeout TO DEFAULT"))) == (None, 1)


def test_command__that_takes_long__is_let(committing: Any, pair: Pair) -> None:
    """What nobody waits for at a screen is not cut off."""
    with namespace_scope(pair[0]), operation(actor=Actor.system()), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.3)")


def test_job__that_takes_too_long__is_told_by_the_database(
    committing: Any, pair: Pair, settings: Any
) -> None:
    """It is the job's to catch."""
    settings.SMARTMODELS_STATEMENT_TIMEOUTS = {"job": 0.1}
    told = pytest.raises(OperationalError, match="statement timeout")
    with namespace_scope(pair[0]), working("job"), connection.cursor() as cursor, told:
        cursor.execute("SELECT pg_sleep(5)")


def test_request__asynchronous__has_the_time_of_requests(committing: Any, pair: Pair) -> None:
    """Both kinds of server are the same."""

    async def main() -> tuple[int, int]:
        browser = AsyncBrowser(pair[0])
        return (await browser.get("/slow/")).status_code, (await browser.get("/async-codes/")).status_code

    assert asyncio.run(main()) == (503, 200)
