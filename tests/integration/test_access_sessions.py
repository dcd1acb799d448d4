"""Sessions: cookies of one host, the CSRF token with every write, and the page where keys are made."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from shared_apps.accounts.models import ApiKey
from smartmodels.context import Actor, operation
from smartmodels.tenancy import life
from smartmodels.tenancy.errors import KeyRefused
from tests.support.clients import host_of
from tests.support.keys import make, status
from tests.support.people import PASSWORD

ACCESS, STUDIES, KEYS = "/admin/access/", "/api/v1/studies/", "/api/v1/keys/"
Clients = Callable[..., Any]


def login(namespace: Any, email: str) -> Client:
    client = Client(headers={"host": host_of(namespace)})
    client.post("/admin/login/", {"username": email, "password": PASSWORD})
    return client


@pytest.mark.parametrize("cookie", ["sessionid", "csrftoken"])
def test_cookies__of_a_login__are_of_this_host_alone(alpha: Any, ana: Any, cookie: str) -> None:
    """Without a Domain no other host gets them, and none above."""
    client = login(alpha, ana.email)
    client.get("/admin/access/")
    morsel = client.cookies[cookie]
    assert (morsel["domain"], morsel["samesite"], morsel["path"]) == ("", "Lax", "/")


def test_session_cookie__of_a_login__is_not_for_scripts(alpha: Any, ana: Any) -> None:
    """Pages cannot read it."""
    assert login(alpha, ana.email).cookies["sessionid"]["httponly"] is True


def test_csrf_token__of_another_namespace__does_not_serve(
    client_of: Clients, alpha: Any, beta: Any, ben: Any
) -> None:
    """The cookie is missing there."""
    client_of(ben, alpha).get("/")
    browser = Client(enforce_csrf_checks=True, headers={"host": host_of(beta)})
    browser.cookies = client_of(ben, beta).cookies
    foreign = login(alpha, ben.email)
    foreign.get("/")
    headers = {"x-csrftoken": foreign.cookies["csrftoken"].value}
    answer = browser.post(STUDIES, {"code": "X"}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf-failed")


def test_session__that_makes_a_key__needs_the_csrf_token(client_of: Clients, alpha: Any, ana: Any) -> None:
    """As for every write."""
    browser = Client(enforce_csrf_checks=True, headers={"host": host_of(alpha)})
    browser.cookies = client_of(ana, alpha).cookies
    answers = [browser.post(KEYS, {}, content_type="application/json"), browser.post(ACCESS, {"do": "make"})]
    assert [answer.status_code for answer in answers] == [403, 403]


# The page


def test_page__of_an_owner__makes_a_key_that_works(client_of: Clients, alpha: Any, ana: Any) -> None:
    """And shows it this once."""
    browser = client_of(ana, alpha)
    page = browser.post(ACCESS, {"do": "make", "name": "R", "scopes": "studies:read", "role": "viewer"})
    secret = page.context["secret"]
    again = browser.get(ACCESS).content.decode()
    assert (status(alpha, secret), secret in again, "no-store" in page["Cache-Control"]) == (200, False, True)


def test_page__replaces_and_revokes__a_key(client_of: Clients, alpha: Any, ana: Any) -> None:
    """Replacing shows the new one."""
    key, old = make(alpha, ana)
    browser = client_of(ana, alpha)
    new = browser.post(ACCESS, {"do": "rotate", "key": key.prefix}).context["secret"]
    browser.post(ACCESS, {"do": "revoke", "key": key.prefix})
    assert (status(alpha, old), status(alpha, new)) == (401, 200)


def test_page__of_a_member__is_refused(client_of: Clients, alpha: Any, ben: Any) -> None:
    """Keys are for managers."""
    assert client_of(ben, alpha).get(ACCESS).status_code == 403


def test_page__key_of_another_namespace__is_not_found(
    client_of: Clients, alpha: Any, beta: Any, ana: Any, bea: Any
) -> None:
    """By whatever prefix."""
    key, secret = make(alpha, ana)
    found = [client_of(bea, beta).post(ACCESS, {"do": do, "key": key.prefix}) for do in ("revoke", "rotate")]
    assert ([each.status_code for each in found], status(alpha, secret)) == ([404, 404], 200)


@pytest.mark.parametrize(
    "form",
    [
        {"do": "make"},
        {"do": "make", "name": "R", "scopes": "nonsense", "role": "viewer"},
        {"do": "make", "name": "R", "scopes": "read", "role": "owner"},
        {"do": "make", "name": "R", "scopes": "read", "role": "viewer", "days": "x"},
        {"do": "origins", "origins": "*"},
        {"do": "nothing"},
        {},
    ],
)
def test_page__form_that_cannot_be__is_shown_again(
    client_of: Clients, alpha: Any, ana: Any, form: dict[str, str]
) -> None:
    """With what is wrong, and nothing is made."""
    answer = client_of(ana, alpha).post(ACCESS, form)
    assert (answer.status_code, ApiKey.objects.count()) == (400, 0)


def test_page__origins__are_saved(client_of: Clients, alpha: Any, ana: Any) -> None:
    """One to a line."""
    client_of(ana, alpha).post(
        ACCESS, {"do": "origins", "origins": "https://b.example.org\nhttps://a.example.org"}
    )
    alpha.refresh_from_db()
    assert alpha.cors_origins == ["https://a.example.org", "https://b.example.org"]


# At the same moment


def test_rotation__by_many_at_once__makes_one_successor(committing: Any, alpha: Any, ana: Any) -> None:
    """The others are told that it was replaced."""
    key, _ = make(alpha, ana)

    def rotate(_: int) -> bool:
        try:
            with operation(actor=Actor.user(ana)):
                life.rotate_key(alpha, key, ana, overlap=timedelta(hours=1))
        except KeyRefused:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(5) as pool:
        done = list(pool.map(rotate, range(5)))
    assert (sum(done), ApiKey.objects.count()) == (1, 2)
