"""From host to namespace: folding, refusals, changes made elsewhere, and what is bound meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import connection
from django.test import Client

from shared_apps.namespaces.models import Domain, Namespace
from smartmodels.context import current_namespace, namespace_scope
from smartmodels.tenancy import life
from smartmodels.tenancy.models import State
from tests.support.clients import ApiClient, AsyncBrowser, host_of
from tests.support.lives import act
from tests.support.processes import manage
from tests.support.reads import READS, codes_of, count_wrong
from tests.support.waiting import wait_until
from tests.support.wire import traced

Pair = tuple[Any, Any]


@pytest.fixture(autouse=True)
def _pages(settings: Any) -> None:
    settings.ROOT_URLCONF = settings.PUBLIC_URLCONF = "tests.support.pages"


@pytest.fixture
def caching(settings: Any) -> None:
    """Routing as in production: cached, and told of changes."""
    settings.SMARTMODELS_ROUTING_TTL = 600


def get(host: str, path: str = "/who/", **headers: str) -> Any:
    """Ask one host for one page."""
    return Client(headers={"host": host, **headers}).get(path)


# Hosts


@pytest.mark.parametrize(
    "host",
    [
        "alpha.localhost",
        "ALPHA.LocalHost",
        "alpha.localhost.",
        "alpha.localhost:8000",
        "Alpha.Localhost.:8000",
    ],
)
def test_host__written_differently__is_the_same_namespace(alpha: Namespace, host: str) -> None:
    """Case, a trailing dot and the port do not matter."""
    assert get(host).json()["namespace"] == "alpha"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "localhost.", "127.0.0.1", "[::1]:8000"])
def test_host__of_the_public_site__binds_nothing(rows: None, host: str) -> None:
    """The bare base domain and the addresses of this machine."""
    assert get(host).json() == {"namespace": None, "user": None}


@pytest.mark.parametrize(
    "host",
    [
        "nobody.localhost",
        "alpha.localhost.example.org",
        "xalpha.localhost",
        "alpha",
        "beta.alpha.localhost",
        "10.0.0.1",
    ],
)
def test_host__of_nobody__is_not_found(alpha: Namespace, host: str) -> None:
    """Only registered hosts are served."""
    response = get(host)
    said = response.json()
    assert (response.status_code, said["title"], said["code"]) == (404, "Not Found", "host-unknown")


@pytest.mark.parametrize(
    "host", ["alpha.localhost@beta.localhost", "alpha localhost", "alpha.localhost/x", "a_b'c"]
)
def test_host__that_is_none__is_a_bad_request(alpha: Namespace, host: str) -> None:
    """What cannot be a host is refused before anybody looks for it."""
    assert get(host).status_code == 400


def test_host__in_a_forwarding_header__is_ignored(alpha: Namespace) -> None:
    """Only the Host header counts."""
    response = get("alpha.localhost", **{"x-forwarded-host": "beta.localhost"})
    assert response.json()["namespace"] == "alpha"


def test_host__custom__is_the_namespace(alpha: Namespace) -> None:
    """A namespace may have any number of hosts."""
    Domain.objects.create(tenant=alpha, domain="birds.example.org", is_primary=False)
    assert get("Birds.Example.org").json()["namespace"] == "alpha"


def test_refusal__for_a_browser__is_a_page(alpha: Namespace) -> None:
    """People get HTML, programs a problem document."""
    response = get("nobody.localhost", accept="text/html")
    assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")


# States


@pytest.mark.parametrize(
    ("state", "status", "retry_after"),
    [
        (State.RESERVED, 503, "5"),
        (State.CREATING, 503, "5"),
        (State.FAILED, 503, "5"),
        (State.ACTIVE, 200, None),
        (State.MAINTENANCE, 503, "300"),
        (State.SUSPENDED, 503, "3600"),
        (State.ARCHIVED, 410, None),
        (State.DELETED, 404, None),
        (State.DELETING, 404, None),
    ],
)
def test_namespace__in_a_state__is_served_accordingly(
    alpha: Namespace, state: State, status: int, retry_after: str | None
) -> None:
    """Only an active namespace is served; who may come back soon is told when."""
    Namespace.objects.filter(pk=alpha.pk).update(state=state)
    response = get("alpha.localhost")
    assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)


def _warm(host: str) -> None:
    """Ask until the answer comes from the cache."""

    def is_warm() -> bool:
        with traced() as wire:
            get(host)
        return not wire.holding("namespaces_domain")

    wait_until(is_warm, f"Caching {host}")


def test_suspension__by_another_process__is_heard(committing: Any, caching: None, alpha: Namespace) -> None:
    """A cached host is forgotten when PostgreSQL tells that something changed; no time-out is waited for."""
    _warm("alpha.localhost")
    done = manage("namespace", "suspend", "alpha")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: get("alpha.localhost").status_code == 503, "Hearing of the suspension", seconds=2)


def test_unknown_host__cached__is_served_once_registered(
    committing: Any, caching: None, alpha: Namespace
) -> None:
    """That nobody is served on a host is cached as well, and forgotten as well."""
    _warm("new.example.org")
    statement = "INSERT INTO namespaces_domain (domain, is_primary, tenant_id) VALUES (%s, false, %s)"
    with connection.cursor() as cursor:
        cursor.execute(statement, ["new.example.org", alpha.pk])
    wait_until(lambda: get("new.example.org").status_code == 200, "Hearing of the host", seconds=2)


def test_suspension__while_nothing_can_be_heard__holds(
    committing: Any, caching: None, alpha: Namespace
) -> None:
    """A process whose listening connection is cut asks the database instead of its cache."""
    _warm("alpha.localhost")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
        )
        assert cursor.fetchone() == (True,)
    act(life.suspend, alpha)
    wait_until(lambda: get("alpha.localhost").status_code == 503, "Noticing the silence", seconds=1)


def test_listening__after_it_was_cut__begins_again(committing: Any, caching: None, alpha: Namespace) -> None:
    """The cache is used again as soon as changes can be heard again."""
    _warm("alpha.localhost")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
        )
    _warm("alpha.localhost")
    manage("namespace", "suspend", "alpha")
    wait_until(lambda: get("alpha.localhost").status_code == 503, "Hearing of the suspension", seconds=2)


# Who is logged in where


def test_session__of_one_namespace__is_nobody_in_another(
    ben: Any, alpha: Namespace, beta: Namespace, client_of: Callable[..., Client]
) -> None:
    """Ben is a member of both, but logged in in one."""
    client = client_of(ben, alpha)
    assert client.get("/who/", headers={"host": host_of(beta)}).json() == {"namespace": "beta", "user": None}


def test_session__refused_elsewhere__still_holds_at_home(
    ben: Any, alpha: Namespace, beta: Namespace, client_of: Callable[..., Client]
) -> None:
    """Showing the cookie to another namespace does not end the session."""
    client, elsewhere = client_of(ben, alpha), client_of(None, beta)
    elsewhere.cookies.load(client.cookies.output(header="", sep=";"))
    assert elsewhere.get("/who/").json()["user"] is None
    assert client.get("/who/").json()["user"] == ben.email


def test_session__of_the_public_host__is_nobody_in_a_namespace(
    ben: Any, alpha: Namespace, client_of: Callable[..., Client]
) -> None:
    """The public host is a place of its own."""
    client = client_of(ben, None)
    assert client.get("/who/", headers={"host": host_of(alpha)}).json()["user"] is None


def test_session__of_somebody_removed__is_nobody_at_once(
    ben: Any, alpha: Namespace, client_of: Callable[..., Client]
) -> None:
    """Membership is asked for on every request."""
    client = client_of(ben, alpha)
    ben.memberships.filter(namespace=alpha).delete()
    assert client.get("/who/").json()["user"] is None


def test_token__of_one_namespace__is_nobody_in_another(
    ben: Any, alpha: Namespace, beta: Namespace, api_of: Callable[..., ApiClient]
) -> None:
    """So do tokens."""
    api = api_of(ben, alpha)
    assert api.get("/who/").json()["user"] == ben.email
    foreign = api._client.get("/who/", headers={"host": host_of(beta)})
    assert (foreign.status_code, foreign.json()["user"]) == (200, None)


# What is bound while a response is made


def test_cache__in_two_namespaces__holds_two_values(alpha: Namespace, beta: Namespace) -> None:
    """Keys carry the namespace."""
    first = [
        get(host, "/remember/").json()["before"]
        for host in ("alpha.localhost", "beta.localhost", "localhost")
    ]
    again = [
        get(host, "/remember/").json()["before"]
        for host in ("alpha.localhost", "beta.localhost", "localhost")
    ]
    assert (first, again) == ([None] * 3, ["alpha", "beta", "public"])


def test_cache__cleared_by_key__keeps_the_others(alpha: Namespace, beta: Namespace) -> None:
    """Deleting a key in one namespace leaves the other's alone."""
    for namespace in (alpha, beta):
        with namespace_scope(namespace):
            cache.set("name", namespace.slug)
    with namespace_scope(alpha):
        cache.delete("name")
    with namespace_scope(beta):
        assert cache.get("name") == "beta"


def test_scope__after_a_request__is_unbound(alpha: Namespace) -> None:
    """Nothing stays bound in the thread that served."""
    get("alpha.localhost")
    assert current_namespace() is None


def test_streams__read_in_turn__see_their_own_rows(pair: Pair) -> None:
    """The rows of a stream are read after the middleware returned, each under its own namespace."""
    responses = [get(host_of(namespace), "/stream/") for namespace in pair]
    chunks = zip(*(iter(response.streaming_content) for response in responses), strict=True)
    found = [[chunk.decode().strip() for chunk in column] for column in zip(*chunks, strict=True)]
    assert found == [codes_of(namespace) for namespace in pair]


def test_async_requests__at_once__see_their_own_rows(committing: Any, pair: Pair) -> None:
    """2,000 reads in asynchronous views that take turns at every row."""

    async def ask(namespace: Any, times: int) -> int:
        wrong = 0
        for _ in range(times):
            response = await AsyncBrowser(namespace).get("/async-codes/")
            wrong += count_wrong(namespace, response.json()["codes"])
        return wrong

    async def main() -> int:
        return sum(await asyncio.gather(*(ask(pair[n % 2], READS // 60) for n in range(20))))

    assert async_to_sync(main)() == 0


def test_async_streams__read_in_turn__see_their_own_rows(committing: Any, pair: Pair) -> None:
    """Asynchronous streams keep their namespace, too."""

    async def read(namespace: Any) -> list[str]:
        response = await AsyncBrowser(namespace).get("/async-stream/")
        return [chunk.decode().strip() async for chunk in response.streaming_content]

    async def main() -> list[list[str]]:
        return await asyncio.gather(*(read(namespace) for namespace in pair))

    assert async_to_sync(main)() == [codes_of(namespace) for namespace in pair]
