"""Addresses without their last slash are answered in place: no redirect, no lost body."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.support.clients import host_of

STUDIES = "/api/v1/studies"


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha."""
    return api_of(ana, alpha)


@pytest.fixture
def study(api: Any) -> Any:
    """A study that was made at an address without a slash."""
    return api.post(STUDIES, {"code": "PAL0708"}).json()


@pytest.mark.parametrize("ending", ["", "/count", "/findOne", "?filter[limit]=1"])
def test_list__without_slash__answers_the_same(api: Any, study: Any, ending: str) -> None:
    """The list and what it offers beside itself."""
    path, _, query = ending.partition("?")
    with_slash = api.get(f"{STUDIES}{path}/?{query}")
    without = api.get(f"{STUDIES}{ending}")
    assert (without.status_code, without.json()) == (200, with_slash.json())


def test_pages__without_slash__are_linked_with_one(api: Any, study: Any) -> None:
    """Addresses that the API gives out are all of one form."""
    api.post(STUDIES, {"code": "PAL0809"})
    page = api.get(f"{STUDIES}?filter[limit]=1").json()["next"]
    assert page.partition("?")[0].endswith(f"{STUDIES}/")


def test_write__without_slash__keeps_its_body(api: Any, study: Any) -> None:
    """POST, PATCH and DELETE reach the row."""
    address = f"{STUDIES}/{study['id']}"
    changed = api.patch(address, {"title": "Penguins"}).json()
    assert (changed["title"], api.delete(address).status_code) == ("Penguins", 204)


def test_find__without_slash__reads_its_body(api: Any, study: Any) -> None:
    """A search in a body."""
    assert [row["code"] for row in api.post(f"{STUDIES}/find", {"limit": 1}).json()["results"]] == ["PAL0708"]


def test_session__without_slash__needs_the_csrf_token(alpha: Any, ana: Any, client_of: Any) -> None:
    """The way round is no way past the check."""
    browser = Client(enforce_csrf_checks=True, headers={"host": host_of(alpha)})
    browser.cookies = client_of(ana, alpha).cookies
    answer = browser.post(STUDIES, "{}", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf-failed")


def test_list__without_slash__is_closed_to_strangers(alpha: Any) -> None:
    """Who asks is settled all the same."""
    assert Client(headers={"host": host_of(alpha)}).get(STUDIES).status_code == 401
