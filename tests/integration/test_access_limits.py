"""Rate limits: never more than the limit, told in headers, and never shared between namespaces."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings, strategies

from shared_apps.accounts.models import RateCount
from shared_apps.accounts.tasks import forget_counts
from smartmodels.context import namespace_scope, public_scope
from smartmodels.rest.access.counters import CacheCounter, PostgresCounter, Wanted
from tests.support.clients import host_of
from tests.support.databases import ROOT
from tests.support.keys import make, program

STUDIES = "/api/v1/studies/"
COUNTERS = ["CacheCounter", "PostgresCounter"]
Api = Callable[..., Any]


@pytest.fixture(params=COUNTERS)
def limited(request: pytest.FixtureRequest, settings: Any) -> Callable[..., None]:
    """``limited(principal=3, namespace=9)``: so many requests in an hour, counted by either counter."""
    settings.SMARTMODELS_RATE_COUNTER = f"smartmodels.rest.access.counters.{request.param}"

    def limit(**limits: int) -> None:
        settings.SMARTMODELS_RATE_LIMITS = {name: (most, 3600) for name, most in limits.items()}

    return limit


def statuses(client: Any, number: int) -> list[int]:
    return [client.get(STUDIES).status_code for _ in range(number)]


def test_limit__exceeded__is_answered_429(limited: Any, alpha: Any, ana: Any, api_of: Api) -> None:
    """With the time to wait, as a problem."""
    limited(principal=3)
    api = api_of(ana, alpha)
    granted, answer = statuses(api, 3), api.get(STUDIES)
    assert (granted, answer.status_code, answer.json()["code"], 0 < int(answer["Retry-After"]) <= 3960) == (
        [200] * 3, 429, "rate-limited", True,
    )  # fmt: skip


def test_limit__of_every_answer__is_told_in_headers(limited: Any, alpha: Any, ana: Any, api_of: Api) -> None:
    """How much there is and how much is left."""
    limited(principal=3, namespace=9)
    answer = api_of(ana, alpha).get(STUDIES)
    left = [part.rpartition(";t=")[0] for part in answer["RateLimit"].split(", ")]
    assert (answer["RateLimit-Policy"], left) == (
        '"principal";q=3;w=3600, "namespace";q=9;w=3600',
        ['"principal";r=2', '"namespace";r=8'],
    )


def test_limit__of_one_principal__leaves_the_others(
    limited: Any, alpha: Any, ana: Any, ben: Any, api_of: Api
) -> None:
    """Tokens of one person count together; a key counts for itself."""
    limited(principal=2)
    first, second = api_of(ana, alpha), api_of(ana, alpha)
    _, secret = make(alpha, ana)
    found = statuses(first, 2) + statuses(second, 1) + statuses(api_of(ben, alpha), 1)
    assert found + statuses(program(alpha, secret), 1) == [200, 200, 429, 200, 200]


def test_limit__of_the_namespace__is_for_all_together(
    limited: Any, alpha: Any, ana: Any, ben: Any, api_of: Api
) -> None:
    """Whoever asks."""
    limited(namespace=2)
    assert statuses(api_of(ana, alpha), 2) + statuses(api_of(ben, alpha), 1) == [200, 200, 429]


def test_limit__of_a_namespace__is_not_that_of_another(
    limited: Any, alpha: Any, beta: Any, ben: Any, api_of: Api
) -> None:
    """The same person asks at both."""
    limited(principal=1, namespace=1)
    assert statuses(api_of(ben, alpha), 2) + statuses(api_of(ben, beta), 1) == [200, 429, 200]


def test_limit__of_a_principal_who_is_over__takes_nothing_from_the_namespace(
    limited: Any, alpha: Any, ana: Any, ben: Any, api_of: Api
) -> None:
    """One program that runs wild does not lock the others out."""
    limited(principal=2, namespace=4)
    assert statuses(api_of(ana, alpha), 9)[:3] + statuses(api_of(ben, alpha), 2) == [200, 200, 429, 200, 200]


@pytest.mark.parametrize("shown", [None, "Bearer smk_nothing", "Bearer guess"])
def test_limit__of_nobody__goes_by_the_address(limited: Any, alpha: Any, shown: str | None) -> None:
    """Guessing secrets is limited, too."""
    limited(principal=2)
    headers = {"host": host_of(alpha), **({"authorization": shown} if shown else {})}
    assert statuses(Client(headers=headers), 3) == [401, 401, 429]


def test_limit__outside_of_the_api__counts_nothing(limited: Any, alpha: Any) -> None:
    """Pages are for people."""
    limited(principal=1)
    client = Client(headers={"host": host_of(alpha)})
    assert [client.get("/").status_code for _ in range(3)] == [200] * 3


def test_limits__that_are_off__leave_no_header(alpha: Any, ana: Any, api_of: Api) -> None:
    """And nothing is counted."""
    assert "RateLimit" not in api_of(ana, alpha).get(STUDIES)


@pytest.mark.parametrize(("counter", "more"), [("CacheCounter", 0), ("PostgresCounter", 1)])
def test_limits__two_at_a_time__cost_at_most_one_statement(
    alpha: Any, ana: Any, api_of: Api, settings: Any, counter: str, more: int
) -> None:
    """In a cache none."""
    api = api_of(ana, alpha)
    api.get(STUDIES)
    counts = []
    for limits in ({}, {"principal": (9, 3600), "namespace": (9, 3600)}):
        settings.SMARTMODELS_RATE_LIMITS = limits
        settings.SMARTMODELS_RATE_COUNTER = f"smartmodels.rest.access.counters.{counter}"
        with CaptureQueriesContext(connection) as sent:
            api.get(STUDIES)
        counts.append(len(sent))
    assert counts[1] - counts[0] == more


# The counters themselves


def granted(counter: Any, wanted: list[Wanted]) -> bool:
    return not counter.count(wanted)[-1].is_over


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(most=strategies.integers(1, 20), threads=strategies.integers(2, 8), each=strategies.integers(1, 8))
def test_cache__asked_by_threads_at_once__grants_the_limit_and_no_more(
    most: int, threads: int, each: int
) -> None:
    """Whatever the interleaving."""
    wanted = [Wanted("principal", f"p{time.monotonic_ns()}", most, 3600)]
    counter = CacheCounter()
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda _: granted(counter, wanted), range(threads * each)))
    assert sum(found) == min(most, threads * each)


def closing(work: Callable[[], Any]) -> Any:
    """Do it in a thread that gives its connection back."""
    try:
        return work()
    finally:
        connections.close_all()


@pytest.mark.parametrize("most", [1, 7, 30])
def test_database__asked_by_threads_at_once__grants_the_limit_and_no_more(
    committing: Any, alpha: Any, most: int
) -> None:
    """Of two limits the narrower decides."""

    def ask(_: int) -> int:
        def count() -> int:
            with namespace_scope(alpha):
                wanted = [Wanted("principal", "p", most, 3600), Wanted("namespace", "all", 20, 3600)]
                return sum(granted(PostgresCounter(), wanted) for _ in range(6))

        return closing(count)

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, range(6))) == min(most, 20)


PROGRAM = """
import os
import django
django.setup()
from smartmodels.context import public_scope
from smartmodels.rest.access.counters import PostgresCounter, Wanted

def granted():
    wanted = [Wanted("principal", "p", 40, 3600)]
    with public_scope():
        return sum(not PostgresCounter().count(wanted)[-1].is_over for _ in range(30))

def child(pipe):
    os.write(pipe, bytes([granted()]))
    os._exit(0)

pipes = [os.pipe() for _ in range(3)]
for reader, writer in pipes:
    if os.fork() == 0:
        child(writer)
print(sum(os.read(reader, 1)[0] for reader, _ in pipes))
"""


def test_database__asked_by_processes_at_once__grants_the_limit_and_no_more(committing: Any) -> None:
    """Three processes ask 90 times for 40 places."""
    environ = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "40", done.stderr


def test_database__counts_that_are_over__are_forgotten(db: None) -> None:
    """Once a day."""
    RateCount.objects.create(key="old", begun=1, slot=1, used=[1], asked=1)
    RateCount.objects.create(key="new", begun=int(time.time()), slot=1, used=[1], asked=1)
    forget_counts()
    assert list(RateCount.objects.values_list("key", flat=True)) == ["new"]


def test_database__table_of_counts__is_not_logged(db: None) -> None:
    """A crash costs nothing but the counts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'accounts_ratecount'")
        assert cursor.fetchone() == ("u",)


def test_database__a_new_window__begins_at_one(db: None) -> None:
    """And one that a clock set back points at does not begin anew."""
    wanted = [Wanted("principal", "p", 9, 3600)]
    with public_scope():
        PostgresCounter().count(wanted)
        RateCount.objects.update(slot=0, used=[5])
        anew = PostgresCounter().count(wanted)[0].used
        RateCount.objects.update(slot=2**40, used=[5])
        on = PostgresCounter().count(wanted)[0].used
    assert (anew, on) == (1, 6)


def test_database__slots_of_the_window__move_on_and_the_last_is_left(db: None) -> None:
    """Ten and the one that is passing; what is older is forgotten."""
    wanted = [Wanted("principal", "p", 50, 3600)]
    with public_scope():
        PostgresCounter().count(wanted)
        row = RateCount.objects.get()
        RateCount.objects.update(slot=row.slot - 3, used=[1, 2, 0, 0, 0, 0, 0, 4, 8, 16, 32])
        PostgresCounter().count(wanted)
        assert RateCount.objects.get().used[:11] == [1, 0, 0, 1, 2, 0, 0, 0, 0, 0, 4]


def test_database__refused__is_not_counted(db: None) -> None:
    """Who keeps asking is let in again."""
    wanted = [Wanted("principal", "p", 2, 3600)]
    with public_scope():
        found = [granted(PostgresCounter(), wanted) for _ in range(5)]
        assert (found, RateCount.objects.get().used) == ([True, True, False, False, False], [2])


@pytest.mark.parametrize("counter", [CacheCounter, PostgresCounter])
def test_limit__around_the_end_of_a_window__is_not_passed_twice(db: None, counter: Any) -> None:
    """As many as the limit within any second, though requests go on for several."""
    wanted, moments = [Wanted("principal", f"p{time.monotonic_ns()}", 5, 1)], []
    ends = time.monotonic() + 2.6
    with public_scope():
        while time.monotonic() < ends:
            before = time.monotonic()
            if granted(counter(), wanted):
                moments.append((before, time.monotonic()))
            time.sleep(0.01)
    # From the end of one to the beginning of the fifth after it a second goes by, at least.
    together = zip(moments, moments[5:], strict=False)
    assert (len(moments) >= 10, [later[1] - first[0] >= 1 for first, later in together].count(False)) == (
        True,
        0,
    )
