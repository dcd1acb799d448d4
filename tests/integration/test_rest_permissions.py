"""Who may do what with whose rows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.support.clients import host_of

STUDIES = "/api/v1/studies/"
Api = Callable[..., Any]


@pytest.fixture
def of_ben(api_of: Api, ben: Any, alpha: Any) -> str:
    """The address of a study that ben, a member, made."""
    made = api_of(ben, alpha).post(STUDIES, {"code": "BEN"}).json()
    return f"{STUDIES}{made['id']}/"


@pytest.fixture
def of_ana(api_of: Api, ana: Any, alpha: Any) -> str:
    """The address of a study that ana, the owner, made."""
    made = api_of(ana, alpha).post(STUDIES, {"code": "ANA"}).json()
    return f"{STUDIES}{made['id']}/"


@pytest.mark.parametrize(("person", "status"), [("ana", 201), ("ben", 201), ("vic", 403)])
def test_create__by_role__needs_one_that_writes(
    request: pytest.FixtureRequest, api_of: Api, alpha: Any, person: str, status: int
) -> None:
    """Owner and member make rows, a viewer does not."""
    api = api_of(request.getfixturevalue(person), alpha)
    assert api.post(STUDIES, {"code": "X"}).status_code == status


@pytest.mark.parametrize("person", ["ana", "ben", "vic"])
def test_read__by_role__is_for_every_member(
    request: pytest.FixtureRequest, api_of: Api, alpha: Any, of_ben: str, person: str
) -> None:
    """Whoever is a member reads."""
    assert api_of(request.getfixturevalue(person), alpha).get(of_ben).status_code == 200


@pytest.mark.parametrize(("person", "status"), [("ana", 200), ("ben", 200), ("vic", 403)])
def test_update__row_of_a_member__is_for_them_and_managers(
    request: pytest.FixtureRequest, api_of: Api, alpha: Any, of_ben: str, person: str, status: int
) -> None:
    """The row's owner and the namespace's owner change it."""
    api = api_of(request.getfixturevalue(person), alpha)
    assert api.patch(of_ben, {"title": "x"}).status_code == status


@pytest.mark.parametrize(
    ("method", "ending"),
    [("patch", ""), ("put", ""), ("delete", ""), ("post", "restore/"), ("post", "revert/")],
)
def test_write__row_of_somebody_else__is_forbidden(
    api_of: Api, ben: Any, alpha: Any, of_ana: str, method: str, ending: str
) -> None:
    """A member does not change what belongs to another."""
    body = {"version": 1} if ending == "revert/" else {"code": "X"}
    assert getattr(api_of(ben, alpha), method)(of_ana + ending, body).status_code == 403


def test_restore__own_deleted_row__is_allowed(api_of: Api, ben: Any, alpha: Any, of_ben: str) -> None:
    """While it is deleted the row is the sentinel's, yet its former owner brings it back."""
    api = api_of(ben, alpha)
    api.delete(of_ben)
    assert api.post(f"{of_ben}restore/").status_code == 200


def test_restore__deleted_row_of_another__is_forbidden(
    api_of: Api, ana: Any, ben: Any, alpha: Any, of_ana: str
) -> None:
    """Deletion does not make a row everybody's."""
    api_of(ana, alpha).delete(of_ana)
    assert api_of(ben, alpha).post(f"{of_ana}restore/").status_code == 403


def test_any__nobody__is_unauthorised(client_of: Api, alpha: Any) -> None:
    """Without credentials the answer is 401 with a challenge."""
    answer = client_of(None, alpha).get(STUDIES)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


def test_any__member_of_another_namespace__is_unauthorised(api_of: Api, bea: Any, alpha: Any) -> None:
    """Who is not a member here is nobody here."""
    assert api_of(bea, alpha).get(STUDIES).status_code == 401


def test_any__staff_without_membership__is_unauthorised(api_of: Api, staff: Any, alpha: Any) -> None:
    """Staff of the public host has no way into a namespace."""
    assert api_of(staff, alpha).get(STUDIES).status_code == 401


def test_any__member_removed__is_unauthorised(api_of: Api, ben: Any, alpha: Any) -> None:
    """A removed member is nobody from the next request on."""
    api = api_of(ben, alpha)
    alpha.memberships.filter(user=ben).delete()
    assert api.get(STUDIES).status_code == 401


def test_write__session_without_csrf_token__is_forbidden(ana: Any, alpha: Any, client_of: Api) -> None:
    """A session alone does not write."""
    browser = Client(enforce_csrf_checks=True, headers={"host": host_of(alpha)})
    browser.cookies = client_of(ana, alpha).cookies
    answer = browser.post(STUDIES, {"code": "X"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf-failed")


def test_write__session_with_csrf_token__is_allowed(ana: Any, alpha: Any, client_of: Api) -> None:
    """With the token it does."""
    browser = Client(enforce_csrf_checks=True, headers={"host": host_of(alpha)})
    browser.cookies = client_of(ana, alpha).cookies
    browser.get("/")
    headers = {"x-csrftoken": browser.cookies["csrftoken"].value}
    answer = browser.post(STUDIES, {"code": "X"}, content_type="application/json", headers=headers)
    assert answer.status_code == 201


def test_read__session_without_csrf_token__is_allowed(ana: Any, alpha: Any, client_of: Api) -> None:
    """Reading needs no token."""
    assert client_of(ana, alpha).get(STUDIES).status_code == 200
