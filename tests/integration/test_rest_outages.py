"""When the database fails: try again later, at once, or there is nothing here any more."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from config import urls_namespace
from shared_apps.namespaces.models import Namespace
from smartmodels.context import require_namespace
from smartmodels.rest import ApiView, Response
from smartmodels.tenancy.models import State
from tests.support.clients import host_of

PROBLEM = "application/problem+json"
FAILURES = {
    "deadlock": "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$",
    "serialization": "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$",
    "table": "SELECT * FROM no_such_table",
    "schema": "CREATE TABLE no_such_schema.nothing ()",
    "lost": "SELECT pg_terminate_backend(pg_backend_pid())",
}


def fail(kind: str) -> None:
    """Let PostgreSQL fail in this way."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FAILURES[kind])


class Failing(ApiView):
    """An endpoint whose database fails."""

    def get(self, request: Any, kind: str) -> Response:
        """Fail."""
        fail(kind)
        return Response({})


def failing_page(request: HttpRequest, kind: str) -> HttpResponse:
    """Fail, as a page."""
    fail(kind)
    return HttpResponse()


class Leaving(ApiView):
    """An endpoint whose namespace is deleted under it."""

    def get(self, request: Any, kind: str) -> Response:
        """Begin the deletion, then miss what is gone."""
        Namespace.objects.filter(pk=require_namespace().pk).update(state=State.DELETING)
        fail(kind)
        return Response({})


class FailingMiddleware:
    """Loses the database before any view is reached."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        raise OperationalError("secret: server closed the connection")


urlpatterns = [
    path("api/v1/failing/<str:kind>/", Failing.as_view()),
    path("api/v1/leaving/<str:kind>/", Leaving.as_view()),
    path("failing/<str:kind>/", failing_page),
    *urls_namespace.urlpatterns,
]
handler404 = urls_namespace.handler404
handler500 = urls_namespace.handler500


@pytest.fixture
def client(client_of: Callable[..., Any], ana: Any, alpha: Any, settings: Any) -> Client:
    """Ana's browser on alpha, with the failing addresses."""
    settings.ROOT_URLCONF = __name__
    browser: Client = client_of(ana, alpha)
    browser.raise_request_exception = False
    return browser


def told(answer: Any) -> tuple[int, str, str]:
    """Status, code and Retry-After of a problem."""
    assert answer["Content-Type"] == PROBLEM
    return answer.status_code, answer.json()["code"], answer.get("Retry-After", "")


@pytest.mark.parametrize("kind", ["deadlock", "serialization"])
@pytest.mark.parametrize("before", ["/api/v1", ""])
def test_conflict__of_two_writers__says_try_again_at_once(client: Client, before: str, kind: str) -> None:
    """PostgreSQL undid the transaction: nothing was written, by an endpoint or by a page."""
    assert told(client.get(f"{before}/failing/{kind}/")) == (503, "write-conflict", "1")


@pytest.mark.parametrize("before", ["/api/v1", ""])
def test_connection__lost_in_a_view__says_try_again(committing: Any, client: Client, before: str) -> None:
    """A server that goes away under a request is no failure of ours."""
    assert told(client.get(f"{before}/failing/lost/"))[:2] == (503, "database-unavailable")


def test_connection__lost_before_the_view__says_try_again(client: Client, settings: Any) -> None:
    """The middleware that looks up who asks is covered as well."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.FailingMiddleware"]
    assert told(client.get("/api/v1/studies/"))[:2] == (503, "database-unavailable")


@pytest.fixture
def _server_down(committing: Any, alpha: Any) -> Any:
    connections.close_all()
    address = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"] = "/nowhere"
    yield
    connections.close_all()
    connection.settings_dict["HOST"] = address


@pytest.mark.usefixtures("_server_down")
def test_server__down__says_try_again_to_programs(alpha: Any) -> None:
    """Not even the host can be looked up."""
    answer = Client(headers={"host": host_of(alpha)}).get("/api/v1/studies/")
    assert told(answer) == (503, "database-unavailable", "5")


@pytest.mark.usefixtures("_server_down")
def test_server__down__is_a_page_for_people(alpha: Any) -> None:
    """A browser is given words instead of a problem."""
    answer = Client(headers={"host": host_of(alpha), "accept": "text/html"}).get("/")
    assert (answer.status_code, b"Not available right now" in answer.content) == (503, True)


@pytest.mark.parametrize("kind", ["table", "schema"])
def test_table__missing_while_the_namespace_is_deleted__is_not_found(client: Client, kind: str) -> None:
    """A request that began before the deletion is told what the next one will be told."""
    assert told(client.get(f"/api/v1/leaving/{kind}/"))[:2] == (404, "host-unknown")


def test_table__missing_in_an_active_namespace__is_a_failure(client: Client) -> None:
    """A table that ought to be there is nobody's mistake but ours."""
    assert told(client.get("/api/v1/failing/table/"))[:2] == (500, "internal-error")


def test_api__two_slashes_before_it__is_answered_with_a_problem(client: Client) -> None:
    """An address joined carelessly is still a program's."""
    assert told(client.get("/", PATH_INFO="//api/v1/studies/"))[0] == 404
