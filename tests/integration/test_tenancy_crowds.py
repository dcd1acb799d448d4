"""One namespace never holds all of a process: its requests have so many places, and others have theirs."""

import asyncio
import gc
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path

from smartmodels.exceptions import NamespaceCrowded
from smartmodels.tenancy.turnstile import Place, take_place
from tests.support.clients import AsyncBrowser, host_of, session_client
from tests.support.serving import serving
from tests.support.waiting import wait_until
from tests.support.ways import pool

PLACES = 2
opened = threading.Event()
inside: list[str] = []


def held(request: HttpRequest) -> HttpResponse:
    """Answer once the test says so."""
    inside.append(request.get_host())
    opened.wait(30)
    return HttpResponse("held")


def quick(request: HttpRequest) -> HttpResponse:
    """Answer at once."""
    return HttpResponse("quick")


def broken(request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise ValueError("broken")


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    """Answer in two pieces."""
    return StreamingHttpResponse(iter(["one", "two"]))


async def until(holds: Callable[[], bool]) -> None:
    """Wait in a task for what other threads do as well."""
    while not holds():  # noqa: ASYNC110 - other threads know no asyncio.Event
        await asyncio.sleep(0.01)


async def held_async(request: HttpRequest) -> HttpResponse:
    """Answer once the test says so, leaving the thread to others."""
    inside.append(request.get_host())
    await until(opened.is_set)
    return HttpResponse("held")


async def streamed_async(request: HttpRequest) -> StreamingHttpResponse:
    """Answer in two pieces, asynchronously."""

    async def pieces() -> AsyncIterator[str]:
        yield "one"
        yield "two"

    return StreamingHttpResponse(pieces())


urlpatterns = [
    path("held/", held),
    path("quick/", quick),
    path("broken/", broken),
    path("streamed/", streamed),
    path("held-async/", held_async),
    path("streamed-async/", streamed_async),
]


@pytest.fixture(autouse=True)
def _few_places(settings: Any) -> Iterator[None]:
    settings.SMARTMODELS_REQUESTS_PER_NAMESPACE = PLACES
    settings.ROOT_URLCONF = settings.PUBLIC_URLCONF = __name__
    opened.clear()
    inside.clear()
    yield
    opened.set()


def get(namespace: Any, where: str = "/quick/") -> Any:
    """Get a page as a visitor."""
    browser = session_client(None, namespace)
    browser.raise_request_exception = False
    return browser.get(where)


async def ask(namespace: Any, where: str) -> Any:
    """Get a page as an ASGI server does, with a thread for what is not asynchronous."""
    async with ThreadSensitiveContext():
        try:
            return await AsyncBrowser(namespace).get(where)
        finally:
            await sync_to_async(connections.close_all)()


def free_places(namespace: Any) -> int:
    """How many places of the namespace are free."""
    taken: list[Place] = []
    with suppress(NamespaceCrowded):
        while True:
            taken.append(take_place(namespace))
    return len(taken)


@contextmanager
def crowd(namespace: Any, size: int = PLACES) -> Iterator[list[Any]]:
    """Requests of the namespace that are under way; yields where their answers will be."""
    answers: list[Any] = []

    def work() -> None:
        try:
            answers.append(get(namespace, "/held/"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(size)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(inside) == size, "Holding the requests")
        yield answers
    finally:
        opened.set()
        for thread in threads:
            thread.join()


def test_request__beyond_the_places__is_told_to_try_again(committing: Any, alpha: Any) -> None:
    """As a problem document, at once."""
    with crowd(alpha):
        answer = get(alpha)
    assert (answer.status_code, answer.json()["code"]) == (429, "namespace-crowded")
    assert (answer["Content-Type"], answer["Retry-After"]) == ("application/problem+json", "1")


def test_requests__of_others__are_served(committing: Any, alpha: Any, beta: Any) -> None:
    """Those of another namespace, and of the public host, which has no end of places."""
    with crowd(alpha):
        assert [get(each).status_code for each in (beta, None, None, None)] == [200] * 4


def test_requests__when_others_ended__are_served(committing: Any, alpha: Any) -> None:
    """Those that were under way were not disturbed."""
    with crowd(alpha) as answers:
        get(alpha)
    assert [answer.status_code for answer in answers] == [200] * PLACES
    assert get(alpha).status_code == 200


def test_requests__without_a_bound__are_all_served(committing: Any, alpha: Any, settings: Any) -> None:
    """Zero is no bound."""
    settings.SMARTMODELS_REQUESTS_PER_NAMESPACE = 0
    with crowd(alpha, 5):
        assert get(alpha).status_code == 200


@pytest.mark.parametrize(("where", "status"), [("/quick/", 200), ("/broken/", 500), ("/nowhere/", 404)])
def test_place__of_an_ended_request__is_free(alpha: Any, where: str, status: int) -> None:
    """However it ended."""
    assert [get(alpha, where).status_code for _ in range(3)] == [status] * 3
    assert free_places(alpha) == PLACES


def test_place__of_a_stream__is_taken_until_it_is_sent(alpha: Any) -> None:
    """Whoever reads slowly holds a thread as well."""
    response = get(alpha, "/streamed/")
    assert free_places(alpha) == PLACES - 1
    assert b"".join(response.streaming_content) == b"onetwo"
    response.close()
    assert free_places(alpha) == PLACES


def test_place__of_a_stream_nobody_reads_on__is_free_again(alpha: Any) -> None:
    """A server that drops the response gives back its place."""
    response = get(alpha, "/streamed/")
    next(iter(response.streaming_content))
    del response
    gc.collect()
    assert free_places(alpha) == PLACES


def test_place__left_twice__is_one_place(alpha: Any) -> None:
    """Closing a response twice makes no room that is not there."""
    place = take_place(alpha)
    place.leave()
    place.leave()
    assert free_places(alpha) == PLACES


# Asynchronous


def test_requests__asynchronous_beyond_the_places__are_told(committing: Any, alpha: Any, beta: Any) -> None:
    """The same places, and the same answer."""

    async def main() -> tuple[list[int], list[int]]:
        async with asyncio.TaskGroup() as group:
            first = [group.create_task(ask(alpha, "/held-async/")) for _ in range(PLACES)]
            await until(lambda: len(inside) == PLACES)
            others = [await ask(each, "/quick/") for each in (alpha, beta)]
            opened.set()
        return [each.status_code for each in others], [task.result().status_code for task in first]

    assert asyncio.run(main()) == ([429, 200], [200] * PLACES)
    assert free_places(alpha) == PLACES


def test_request__cancelled__gives_back_its_place(committing: Any, alpha: Any) -> None:
    """As when the caller hangs up."""

    async def main() -> None:
        task = asyncio.create_task(ask(alpha, "/held-async/"))
        await until(lambda: bool(inside))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())
    gc.collect()
    assert free_places(alpha) == PLACES


def test_place__of_an_asynchronous_stream__is_taken_until_it_is_sent(committing: Any, alpha: Any) -> None:
    """As that of any other."""

    async def main() -> list[int]:
        response = await ask(alpha, "/streamed-async/")
        during = free_places(alpha)
        async for _ in response.streaming_content:
            pass
        await asyncio.to_thread(response.close)
        return [during, free_places(alpha)]

    assert asyncio.run(main()) == [PLACES - 1, PLACES]


# The real server


def fetch(port: int, host: str, where: str) -> tuple[int, str, float]:
    """Status, code of the problem, and seconds of a request to the server."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{where}", headers={"Host": host})
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own
            return answer.status, "", time.monotonic() - began
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["code"], time.monotonic() - began


def test_server__crowded_by_one_namespace__serves_the_other(
    committing: Any, alpha: Any, beta: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 slow requests of alpha: six are served, the rest told at once, and beta's answered meanwhile."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.support.slow_site")
    slow, quick = "/slow/2/", "/slow/0/"
    with serving(tmp_path / "log") as port, ThreadPoolExecutor(20) as clients:
        asked = [clients.submit(fetch, port, host_of(alpha), slow) for _ in range(20)]
        wait_until(lambda: sum(one.done() for one in asked) >= 14, "Refusing what is too much")
        others = [fetch(port, host_of(beta), quick) for _ in range(5)]
        still = sum(not one.done() for one in asked)
        answers = [one.result()[:2] for one in asked]
    assert sorted(answers) == [(200, "")] * 6 + [(429, "namespace-crowded")] * 14
    assert ([status for status, _, _ in others], still) == ([200] * 5, 6)


# The pool


def test_pool__exhausted__says_try_again_and_recovers(committing: Any, alpha: Any) -> None:
    """A request that waited in vain for a connection fails alone."""
    taken, done = threading.Event(), threading.Event()

    def take() -> None:
        connections["default"].ensure_connection()
        taken.set()
        done.wait(30)
        connections.close_all()

    with pool(most=1, timeout=0.3):
        thread = threading.Thread(target=take)
        thread.start()
        taken.wait(30)
        refused = get(alpha)
        done.set()
        thread.join()
        assert get(alpha).status_code == 200
    assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (
        503, "database-unavailable", "5",
    )  # fmt: skip


def test_client__of_django__leaves_no_place_taken(
    client_of: Callable[..., Client], alpha: Any, ana: Any
) -> None:
    """Not even when a test forgets to close what it got."""
    kept = [client_of(ana, alpha).get("/quick/") for _ in range(PLACES + 1)]
    assert [response.status_code for response in kept] == [200] * (PLACES + 1)
