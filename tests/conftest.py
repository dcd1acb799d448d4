"""Fixtures for all tests; what is in the database is said in tests/support/people.py.

The routing cache is off (SMARTMODELS_ROUTING_TTL = 0), because changes in a transaction that is rolled back
are announced to nobody: a request costs one query more than in production.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.db import connection, connections
from django.test import Client, override_settings
from pytest_django import DjangoDbBlocker

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.tenancy.routing import stop_listening
from tests.support.clients import ApiClient, session_client
from tests.support.databases import Databases
from tests.support.early_database import databases_key, failure_key
from tests.support.many import cheap_namespace
from tests.support.people import email_of
from tests.support.reads import plant

FORBIDDEN = frozenset({"transactional_db", "live_server", "django_db_reset_sequences"})


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse what would empty the tables that all tests of this process share."""
    marker = item.get_closest_marker("django_db")
    names = set(getattr(item, "fixturenames", ()))
    if names & FORBIDDEN or (marker is not None and marker.kwargs.get("transaction")):
        pytest.fail("Tests that commit use the fixture `committing`, a database of their own.")
    if "committing" in names and (marker is not None or "db" in names):
        pytest.fail("`committing` is instead of `db`: take one.")


# Databases


@pytest.fixture(scope="session", autouse=True)
def _test_settings() -> Iterator[None]:
    with override_settings(
        PASSWORD_HASHERS=["tests.support.people.QuickHasher"],
        SMARTMODELS_ROUTING_TTL=0,
        # Some clients of tests never close an answer; servers do, and then its place is free again.
        SMARTMODELS_REQUESTS_PER_NAMESPACE=0,
        # Many tests ask more often in a minute than people do.
        SMARTMODELS_RATE_LIMITS={},
        WHITENOISE_AUTOREFRESH=True,
    ):
        yield


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    yield
    cache.clear()
    caches["guesses"].clear()
    caches["limits"].clear()


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """The throw-away databases of this process."""
    failure = request.config.stash.get(failure_key, None)
    if failure is not None:
        pytest.fail(failure)
    return request.config.stash[databases_key]


@pytest.fixture(scope="session")
def django_db_setup(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Take the copy of the template instead of creating and migrating a database."""
    databases.make_own()
    yield
    with django_db_blocker.unblock():
        connections.close_all()


@dataclass(frozen=True)
class PrivateDatabase:
    """A database of one test; DATABASE_URL names it for the processes that the test starts."""

    name: str
    url: str


@pytest.fixture
def committing(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[PrivateDatabase]:
    """A private copy of the database for one test that commits, uses threads or starts processes."""
    with databases.private() as name, django_db_blocker.unblock():
        settings, url, before = connection.settings_dict, databases.url_of(name), os.environ["DATABASE_URL"]
        connections.close_all()
        settings["NAME"], os.environ["DATABASE_URL"] = name, url
        try:
            yield PrivateDatabase(name, url)
        finally:
            stop_listening()
            connections.close_all()
            settings["NAME"], os.environ["DATABASE_URL"] = databases.name, before


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> None:
    """Give access to the rows: in the test's private database, else in a rolled-back transaction."""
    request.getfixturevalue("committing" if "committing" in request.fixturenames else "db")


# Namespaces and people


@pytest.fixture
def alpha(rows: None) -> Namespace:
    """The namespace of ana (owner), ben (member) and vic (viewer)."""
    return Namespace.objects.get(slug="alpha")


@pytest.fixture
def beta(rows: None) -> Namespace:
    """The namespace of bea (owner) and ben (member)."""
    return Namespace.objects.get(slug="beta")


@pytest.fixture
def gamma(alpha: Namespace) -> Any:
    """A third namespace, of which neither has heard."""
    return cheap_namespace("gamma", like=alpha)


def _person(name: str) -> User:
    return User.objects.get(email=email_of(name))


@pytest.fixture
def ana(rows: None) -> User:
    """Owner of alpha."""
    return _person("ana")


@pytest.fixture
def ben(rows: None) -> User:
    """Member of alpha and of beta."""
    return _person("ben")


@pytest.fixture
def vic(rows: None) -> User:
    """Viewer of alpha."""
    return _person("vic")


@pytest.fixture
def bea(rows: None) -> User:
    """Owner of beta."""
    return _person("bea")


@pytest.fixture
def staff(rows: None) -> User:
    """Staff and superuser; member of nothing."""
    return _person("staff")


@pytest.fixture
def in_alpha(alpha: Namespace, ana: User) -> Iterator[Namespace]:
    """Bind alpha, with ana acting."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        yield alpha


@pytest.fixture
def in_beta(beta: Namespace, bea: User) -> Iterator[Namespace]:
    """Bind beta, with bea acting."""
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        yield beta


@pytest.fixture
def pair(alpha: Namespace, beta: Namespace, ana: User, bea: User) -> tuple[Namespace, Namespace]:
    """Alpha and beta, each holding studies that bear its slug: see tests/support/reads.py."""
    plant(alpha, ana)
    plant(beta, bea)
    return alpha, beta


# HTTP


@pytest.fixture
def client_of(rows: None) -> Callable[..., Client]:
    """``client_of(user, namespace)``: a browser, logged in (or not, for None) on that namespace's host."""
    return session_client


@pytest.fixture
def api_of(rows: None) -> Callable[..., Any]:
    """``api_of(user, namespace)``: a JSON client with a token (a session on the public host)."""
    return ApiClient
