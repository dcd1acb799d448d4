"""Every error is a problem document, whatever went wrong and wherever."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import path

from config import urls_namespace
from smartmodels.exceptions import NamespaceFailed
from smartmodels.rest import ApiView, Response
from tests.support.clients import ApiClient, host_of

STUDIES = "/api/v1/studies/"
PROBLEM = "application/problem+json"

# A URLconf with endpoints that fail


class Failing(ApiView):
    """Fails in a way nobody expects."""

    def get(self, request: Any) -> Response:
        """Fail, with a secret in the message."""
        raise RuntimeError("secret: SELECT password FROM accounts_user")


class HalfMade(ApiView):
    """Fails in a way the library knows."""

    def get(self, request: Any) -> Response:
        """Fail, with a secret in the message."""
        raise NamespaceFailed("secret: could not connect to 10.0.0.7")


class Storing(ApiView):
    """Hands what it is given to the database unchecked."""

    def post(self, request: Any) -> Response:
        """Ask the database for the text."""
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT %s::smallint", [request.data["value"]])
        return Response({})


urlpatterns = [
    path("api/v1/failing/", Failing.as_view()),
    path("api/v1/half-made/", HalfMade.as_view()),
    path("api/v1/storing/", Storing.as_view()),
    *urls_namespace.urlpatterns,
]
handler404 = urls_namespace.handler404
handler500 = urls_namespace.handler500


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha."""
    return api_of(ana, alpha)


@pytest.fixture
def raw(api: Any) -> Iterator[Client]:
    """Ana's client, which gets answers instead of exceptions, also from the endpoints above."""
    client: Client = api._client
    client.raise_request_exception = False
    return client


@pytest.fixture
def _failing_endpoints(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


def post(client: Client, body: str | bytes, content_type: str = "application/json") -> Any:
    return client.generic("POST", STUDIES, body, content_type=content_type)


# Form


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/studies/x/", 404),
        ("GET", "/api/v1/nothing/", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/studies/x", 404),
        ("POST", "/api/nothing/", 404),
        ("GET", "/api/v1/studies/?x=1", 400),
        ("PUT", "/api/v1/grants/", 405),
        ("OPTIONS", "/api/v1/studies/", 405),
        ("TRACE", "/api/v1/studies/", 405),
    ],
)
def test_error__of_any_kind__is_a_problem(raw: Client, method: str, path: str, status: int) -> None:
    """Status, media type and the members of RFC 9457 agree."""
    answer = raw.generic(method, path)
    body = answer.json()
    assert (answer.status_code, answer["Content-Type"], body["status"]) == (status, PROBLEM, status)


def test_error__of_any_kind__has_the_same_members(raw: Client) -> None:
    """What a program reads is always there."""
    body = raw.get("/api/v1/studies/x/").json()
    assert body.keys() == {"type", "title", "status", "code", "detail", "request_id"}


def test_error__request_id__is_in_the_header(raw: Client) -> None:
    """The id in the body is that of the answer."""
    answer = raw.get("/api/v1/studies/x/")
    assert answer.json()["request_id"] == answer["X-Request-Id"]


def test_error__method_not_allowed__names_those_that_are(raw: Client) -> None:
    """405 comes with Allow."""
    assert raw.put("/api/v1/grants/")["Allow"] == "GET, POST, HEAD"


def test_error__outside_of_the_api__is_a_page(raw: Client) -> None:
    """People get HTML."""
    assert raw.get("/nothing/")["Content-Type"] == "text/html; charset=utf-8"


def test_error__debug__is_a_problem_all_the_same(raw: Client, settings: Any) -> None:
    """A developer's server answers programs as the real one does."""
    settings.DEBUG = True
    assert raw.get("/api/v1/nothing/")["Content-Type"] == PROBLEM


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b'{"code": NaN}',
        b'{"code": -Infinity}',
        b'{"code": "a", "code": "b"}',
        b"[" * 100_000,
        b'{"code": ' + b"1" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
    ],
)
def test_body__not_json__is_refused(raw: Client, body: bytes) -> None:
    """What cannot be read is malformed, whatever is wrong with it."""
    answer = post(raw, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-json")


@pytest.mark.parametrize("body", ['"x"', "7", "null", "true"])
def test_body__no_object__is_refused(raw: Client, body: str) -> None:
    """A row is an object."""
    assert post(raw, body).json()["errors"][0]["pointer"] == ""


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"code": "a\\u0000b"}', "/code"),
        ('{"code": "\\ud800"}', "/code"),
        ('{"code": {"x": ["\\ud800"]}}', "/code/x/0"),
        ('{"\\ud800": 1}', ""),
    ],
)
def test_body__character_unstorable__is_refused(raw: Client, body: str, pointer: str) -> None:
    """NUL and halves of surrogate pairs are refused where they stand."""
    assert post(raw, body).json()["errors"][0]["pointer"] == pointer


def test_body__pair_of_surrogates__is_one_character(raw: Client) -> None:
    """A character beyond the BMP may be escaped."""
    assert post(raw, '{"code": "\\ud83d\\udc27"}').json()["code"] == "\U0001f427"


@pytest.mark.parametrize(
    "value", [True, 7, 1.5, [], {}, None, "", " ", "x" * 21, {"$ne": None}, "\u0000" * 3]
)
def test_body__value_of_any_kind__never_fails(raw: Client, value: Any) -> None:
    """A text field takes texts and numbers, and refuses the rest."""
    assert post(raw, json.dumps({"code": value})).status_code in (201, 400)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"],
)
def test_body__not_said_to_be_json__is_refused(raw: Client, content_type: str) -> None:
    """Only JSON is read."""
    assert post(raw, '{"code": "x"}', content_type).status_code == 415


def test_body__odd_charset__is_read_as_utf8(raw: Client) -> None:
    """JSON is UTF-8, whatever the header says."""
    assert (
        post(raw, '{"code": "\u00e4"}'.encode(), "application/json; charset=rot13").json()["code"] == "\u00e4"
    )


def test_body__too_large__is_refused(raw: Client, settings: Any) -> None:
    """No more is read than the server is willing to hold."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = post(raw, '{"code": "' + "x" * 1000 + '"}')
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_body__many_mistakes__are_listed_up_to_a_limit(raw: Client) -> None:
    """An answer stays small, however much is wrong."""
    answer = post(raw, json.dumps({f"field{number}": 1 for number in range(10_000)}))
    assert len(answer.json()["errors"]) == 100


def test_answer__other_than_json__is_not_to_be_had(raw: Client) -> None:
    """406 is itself answered in JSON."""
    answer = raw.get(STUDIES, headers={"accept": "image/png"})
    assert (answer.status_code, answer["Content-Type"]) == (406, PROBLEM)


# Failures


@pytest.mark.usefixtures("_failing_endpoints")
@pytest.mark.parametrize("debug", [False, True])
def test_failure__unexpected__says_nothing_of_the_inside(raw: Client, settings: Any, debug: bool) -> None:
    """No message, no class, no stack: only the id."""
    settings.DEBUG = debug
    answer = raw.get("/api/v1/failing/")
    assert (answer.status_code, answer.json()["code"], b"secret" in answer.content) == (
        500,
        "internal-error",
        False,
    )


@pytest.mark.usefixtures("_failing_endpoints")
def test_failure__unexpected__is_logged_under_its_id(raw: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The log has the stack, found by the id that the client was given."""
    with caplog.at_level(logging.ERROR, "smartmodels.rest"):
        answer = raw.get("/api/v1/failing/")
    record = next(record for record in caplog.records if record.name == "smartmodels.rest")
    assert (answer.json()["request_id"] in record.getMessage(), "secret" in str(record.exc_info)) == (
        True,
        True,
    )


@pytest.mark.usefixtures("_failing_endpoints")
def test_failure__of_the_library__says_nothing_of_the_inside(raw: Client) -> None:
    """The code is told, the message stays in the log."""
    answer = raw.get("/api/v1/half-made/")
    assert (answer.json()["code"], b"secret" in answer.content) == ("namespace-failed", False)


@pytest.mark.usefixtures("_failing_endpoints")
@pytest.mark.parametrize("value", [99999, "a\u0000b", "\ud800"])
def test_failure__value_the_database_refuses__is_the_callers(db: None, raw: Client, value: Any) -> None:
    """What slips through validation is still no failure of the server."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SAVEPOINT before")
    answer = raw.post("/api/v1/storing/", {"value": value}, content_type="application/json")
    with connections["default"].cursor() as cursor:
        cursor.execute("ROLLBACK TO before")
    assert answer.status_code == 400


def test_create__same_value_at_the_same_moment__one_wins(committing: Any, ana: Any, alpha: Any) -> None:
    """Of eight writers of one value, seven get a conflict and none a failure."""
    clients = [ApiClient(ana, alpha) for _ in range(8)]
    start, found = threading.Barrier(8), []

    def write(client: Any) -> None:
        start.wait()
        found.append(client.post(STUDIES, {"code": "X"}).status_code)
        connections.close_all()

    threads = [threading.Thread(target=write, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [201] + [409] * 7


def test_host__of_nobody__is_a_problem(alpha: Any) -> None:
    """Before there is any namespace, errors are problems already."""
    assert Client(headers={"host": f"x{host_of(alpha)}"}).get(STUDIES)["Content-Type"] == PROBLEM
