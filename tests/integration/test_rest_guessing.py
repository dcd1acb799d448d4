"""Both doors, the log-in page and the token endpoint, count attempts in one place that nobody else fills."""

import logging
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.support.clients import host_of
from tests.support.people import PASSWORD, email_of

TOKEN = "/api/v1/token/"


def by_token(namespace: Any, email: str, password: str = PASSWORD) -> int:
    """Ask for a token; return the status."""
    body = {"email": email, "password": password}
    client = Client(headers={"host": host_of(namespace)})
    return client.post(TOKEN, body, content_type="application/json").status_code


def by_page(namespace: Any, email: str, password: str = PASSWORD) -> int:
    """Log in; return the status."""
    client = Client(headers={"host": host_of(namespace)})
    return client.post("/admin/login/", {"username": email, "password": password}).status_code


def test_guesses__after_junk_in_the_cache__are_still_counted(alpha: Any) -> None:
    """Entries of others, however many, do not push the counts out."""
    for _ in range(10):
        by_token(alpha, email_of("ana"), "wrong")
    for number in range(1000):
        cache.set(f"junk{number}", number)
    assert by_token(alpha, email_of("ana")) == 429


def test_guesses__at_both_doors__are_counted_together(alpha: Any) -> None:
    """Who failed at one door is not let try at the other."""
    for _ in range(5):
        by_token(alpha, email_of("ana"), "wrong")
        by_page(alpha, email_of("ana"), "wrong")
    assert (by_token(alpha, email_of("ana")), by_page(alpha, email_of("ana"))) == (429, 429)


def test_guesses__over_many_accounts__are_bounded_per_address(alpha: Any) -> None:
    """The log-in page, too, refuses an address that tries one password on everybody."""
    for number in range(100):
        by_page(alpha, f"nobody{number}@example.org", "wrong")
    assert by_page(alpha, email_of("ana")) == 429


def test_guesses__that_were_right__do_not_count_for_the_address(alpha: Any) -> None:
    """Many people behind one address may log in."""
    statuses = {by_token(alpha, email_of("ana")) for _ in range(101)}
    assert statuses == {201}


def test_host__that_is_none__is_not_logged_as_an_error(db: None, capfd: pytest.CaptureFixture[str]) -> None:
    """A malformed Host header is the caller's mistake."""
    assert Client(headers={"host": "a_b'c"}).get("/").status_code == 400
    assert "Traceback" not in capfd.readouterr().err
    assert not logging.getLogger("django.security.DisallowedHost").propagate


def test_host__with_two_dots_at_its_end__is_unknown(alpha: Any) -> None:
    """One dot ends a name; two are another name."""
    assert Client(headers={"host": f"{host_of(alpha)}.."}).get("/").status_code == 404
