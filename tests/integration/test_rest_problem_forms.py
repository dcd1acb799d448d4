"""Each kind of refusal, asked for through HTTP: a problem document that names the request."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings
from django.urls import path

from shared_apps.accounts.models import Token
from smartmodels.rest import ApiView
from smartmodels.rest.problems import MEDIA_TYPE
from tests.support.clients import host_of

Client = Callable[..., Any]
STUDIES = "/api/v1/studies/"
JSON = "application/json"


class Broken(ApiView):
    """An endpoint that fails."""

    def get(self, request: Any) -> Any:
        """Fail."""
        raise RuntimeError("a secret of the inside")


urlpatterns = [path("api/v1/broken/", Broken.as_view())]
handler500 = "smartmodels.rest.fallbacks.server_error"


@pytest.fixture
def session(client_of: Client, ana: Any, alpha: Any) -> Any:
    """Ana's browser, which is asked for its CSRF token."""
    client = client_of(ana, alpha)
    client.handler.enforce_csrf_checks = True
    client.raise_request_exception = False
    return client


@pytest.fixture
def asked(session: Any, ana: Any, alpha: Any) -> Callable[..., Any]:
    """``asked(method, path, body, headers)``: a program with a token, instead of the session."""
    _, secret = Token.issue(ana, alpha.pk)

    def ask(method: str, address: str, body: Any = b"", kind: str = JSON, **headers: str) -> Any:
        given = {"host": host_of(alpha), "authorization": f"Bearer {secret}", **headers}
        return session.generic(method, address, body, content_type=kind, headers=given)

    return ask


def assert_problem(answer: Any, status: int, code: str) -> None:
    """The answer is a problem of this kind, and names its request in the header, too."""
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)
    told = answer.json()
    assert (told["code"], told["status"]) == (code, status)
    assert told["request_id"] == answer["X-Request-Id"]


@pytest.mark.parametrize(
    ("status", "code", "request_"),
    [
        (400, "malformed-json", ("POST", STUDIES, b"{")),
        (400, "unknown-parameter", ("GET", "/api/v1/marks/?nonsense=1")),
        (404, "not-found", ("GET", "/api/v1/nowhere/")),
        (404, "not-found", ("GET", STUDIES + "no-key/")),
        (405, "method-not-allowed", ("DELETE", STUDIES + "x/history/")),
        (415, "unsupported-media-type", ("POST", STUDIES, b"a=1", "application/x-www-form-urlencoded")),
    ],
)
def test_refusal__of_this_kind__is_a_problem(
    asked: Callable[..., Any], status: int, code: str, request_: Any
) -> None:
    """One of each."""
    assert_problem(asked(*request_), status, code)


def test_refusal__form_that_is_not_served__is_a_problem(asked: Callable[..., Any]) -> None:
    """406 is itself said in the one form there is."""
    assert_problem(asked("GET", STUDIES, accept="image/png"), 406, "not-acceptable")


def test_refusal__body_too_large__is_a_problem(asked: Callable[..., Any]) -> None:
    """Before anything of it is parsed."""
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10):
        assert_problem(asked("POST", STUDIES, b'{"code": "PAL0708"}'), 413, "too-large")


def test_refusal__session_without_csrf_token__is_a_problem(session: Any) -> None:
    """A browser that is made to write by another site does not."""
    assert_problem(session.post(STUDIES, {}, content_type=JSON), 403, "csrf-failed")


def test_refusal__nobody__is_a_problem_and_a_challenge(asked: Callable[..., Any]) -> None:
    """Says how to be somebody."""
    answer = asked("GET", STUDIES, authorization="Bearer nonsense")
    assert_problem(answer, 401, "invalid-token")
    assert "WWW-Authenticate" in answer


def test_refusal__too_many_guesses__is_a_problem_with_a_time(asked: Callable[..., Any], ana: Any) -> None:
    """Whoever guesses is told when to come back."""
    body = b'{"email": "%s", "password": "wrong"}' % ana.email.encode()
    answers = [asked("POST", "/api/v1/token/", body) for _ in range(12)]
    assert_problem(answers[-1], 429, "throttled")
    assert int(answers[-1]["Retry-After"]) > 0


def test_failure__that_nobody_expected__is_a_problem_without_the_inside(asked: Callable[..., Any]) -> None:
    """The log tells the rest, under the request's id."""
    with override_settings(ROOT_URLCONF=__name__):
        answer = asked("GET", "/api/v1/broken/")
    assert_problem(answer, 500, "internal-error")
    assert b"secret" not in answer.content
