"""Pages of other origins: which may call a namespace's API, and that cookies never come along."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from smartmodels.exceptions import InvalidInput
from smartmodels.rest.access.cors import NamespaceCorsMiddleware
from smartmodels.tenancy import life
from tests.support.clients import host_of
from tests.support.keys import make, program
from tests.support.lives import act

STUDIES, ORIGINS, TOKEN = "/api/v1/studies/", "/api/v1/origins/", "/oauth/token/"
PAGE = "https://app.example.org"
Api = Callable[..., Any]


@pytest.fixture
def opened(alpha: Any) -> Any:
    """Alpha, which allows one page."""
    act(life.set_origins, alpha, [PAGE])
    return alpha


def preflight(namespace: Any, origin: str = PAGE, path: str = STUDIES, host: str | None = None) -> Any:
    headers = {"host": host or host_of(namespace), "origin": origin, "access-control-request-method": "POST"}
    return Client(headers=headers).options(path)


def allowed(answer: Any) -> str | None:
    found: str | None = answer.headers.get("access-control-allow-origin")
    return found


def test_preflight__of_an_allowed_page__is_answered(opened: Any) -> None:
    """With what it may send, and no word of credentials."""
    answer = preflight(opened)
    shown = "access-control-allow-credentials" in answer.headers
    headers = answer["access-control-allow-headers"]
    assert (answer.status_code, allowed(answer), shown, "authorization" in headers) == (
        200,
        PAGE,
        False,
        True,
    )


@pytest.mark.parametrize(
    "origin", ["https://evil.example.org", "null", "https://app.example.org.evil.org", "x"]
)
def test_preflight__of_another_page__allows_nothing(opened: Any, origin: str) -> None:
    """The browser keeps it from asking."""
    assert allowed(preflight(opened, origin)) is None


def test_preflight__at_another_namespace__allows_nothing(opened: Any, beta: Any) -> None:
    """What alpha allows is nothing to beta, nor to the public host."""
    assert (allowed(preflight(beta)), allowed(preflight(None, path="/api/v1/namespaces/"))) == (None, None)


def test_preflight__of_an_unknown_host__is_not_found(opened: Any) -> None:
    """There is nobody to allow anything."""
    answer = preflight(opened, host="nobody.localhost")
    assert (answer.status_code, allowed(answer)) == (404, None)


def test_preflight__outside_of_the_api__is_not_answered(opened: Any) -> None:
    """Neither the admin nor the page where people let applications in."""
    found = [preflight(opened, path=path) for path in ("/admin/", "/oauth/authorize/")]
    assert [allowed(answer) for answer in found] == [None, None]


def test_preflight__for_a_token__is_answered(opened: Any) -> None:
    """A page in a browser gets its tokens by itself."""
    assert allowed(preflight(opened, path=TOKEN)) == PAGE


def test_request__of_an_allowed_page__may_be_read(opened: Any, ana: Any) -> None:
    """Whoever shows a key; refusals may be read, too."""
    _, secret = make(opened, ana)
    good = program(opened, secret).get(STUDIES, headers={"origin": PAGE})
    bad = program(opened, "wrong").get(STUDIES, headers={"origin": PAGE})
    found = [(each.status_code, allowed(each), "origin" in each["vary"].lower()) for each in (good, bad)]
    assert found == [(200, PAGE, True), (401, PAGE, True)]


def test_request__of_any_page__sends_no_statement_more(opened: Any, ana: Any) -> None:
    """The origins come with the namespace."""
    _, secret = make(opened, ana)
    counts = []
    for headers in ({}, {}, {"origin": PAGE}):
        with CaptureQueriesContext(connection) as sent:
            program(opened, secret).get(STUDIES, headers=headers)
        counts.append(len(sent))
    assert counts[1] == counts[2]


def test_origin__removed__is_refused_from_the_next_request_on(opened: Any) -> None:
    """Also where the host is cached: the change is announced."""
    act(life.set_origins, opened, [])
    assert allowed(preflight(opened)) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("HTTPS://App.Example.Org", "https://app.example.org"),
        ("https://app.example.org:8443", "https://app.example.org:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:5173", "http://127.0.0.1:5173"),
    ],
)
def test_origin__that_is_one__is_kept_as_browsers_say_it(given: str, kept: str) -> None:
    """In lower case."""
    assert life.known_origin(given) == kept


@pytest.mark.parametrize(
    "origin",
    [
        "*", "null", "", "https://*", "https://*.example.org", "http://app.example.org", "https://app.example.org/",
        "https://app.example.org/path", "https://u:p@app.example.org", "https://app.example.org:443",
        "https://app.example.org:99999", "http://localhost:80", "ftp://app.example.org",
        "javascript:alert(1)",
        "https://\u00e4.example.org", "https://app.example.org\x00", "https://app.example.org\nx", "https://-a.org",
        "https://" + "a." * 200 + "org", "https://org", "file://", "https://app.example.org https://b.example.org",
    ],
)  # fmt: skip
def test_origin__that_is_none__is_refused_at_entry(origin: str) -> None:
    """Nobody allows everybody by mistake."""
    with pytest.raises(InvalidInput):
        life.known_origin(origin)


def test_origins__over_rest__are_replaced_by_managers(api_of: Api, alpha: Any, ana: Any, ben: Any) -> None:
    """Members neither read nor set them."""
    api = api_of(ana, alpha)
    stored = [api.put(ORIGINS, {"origins": [PAGE]}).json(), api.get(ORIGINS).json()]
    assert (stored, api_of(ben, alpha).get(ORIGINS).status_code) == ([{"origins": [PAGE]}] * 2, 403)


@pytest.mark.parametrize("origins", [["*"], [PAGE, "null"], [""], "x", [1, {}], [PAGE] * 51, None])
def test_origins__that_are_none__are_refused(api_of: Api, alpha: Any, ana: Any, origins: Any) -> None:
    """With 400, and nothing changes."""
    answer = api_of(ana, alpha).put(ORIGINS, {"origins": origins})
    alpha.refresh_from_db()
    assert (answer.status_code, alpha.cors_origins) == (400, [])


def test_origins__by_command__are_added_and_removed(alpha: Any) -> None:
    """One by one."""
    call_command("namespace", "origin", "add", "alpha", PAGE, "https://b.example.org", verbosity=0)
    call_command("namespace", "origin", "remove", "alpha", PAGE, verbosity=0)
    alpha.refresh_from_db()
    assert alpha.cors_origins == ["https://b.example.org"]


@pytest.mark.parametrize("name", ["CORS_ALLOW_ALL_ORIGINS", "CORS_ALLOW_CREDENTIALS"])
def test_settings__that_let_everybody_in__are_refused(settings: Any, name: str) -> None:
    """The server does not start with them."""
    setattr(settings, name, True)
    with pytest.raises(ImproperlyConfigured):
        NamespaceCorsMiddleware(lambda _: None)
