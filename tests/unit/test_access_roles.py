"""Permission classes: what the examples say, and the hole of the original that is closed."""

import doctest
from types import ModuleType

import pytest

from smartmodels.rest import IsAdminOrIsOwner, IsAuthenticatedOrCreate, IsOwner, IsReadOnly
from smartmodels.rest.access import roles
from smartmodels.tenancy import scopes
from smartmodels.tenancy.life import origins
from tests.support.roles import request_of, row_of, view_of

ROLES = ("owner", "admin", "member", "viewer", None)
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize("module", [roles, scopes, origins], ids=lambda module: module.__name__)
def test_examples__in_docstrings__are_what_happens(module: ModuleType) -> None:
    """All of them."""
    known = {"request_of": request_of, "row_of": row_of, "view_of": view_of}
    found = doctest.testmod(module, extraglobs=known)
    assert (found.failed, found.attempted > 0) == (0, True)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("method", METHODS)
def test_read_only__by_role_and_method__is_for_members_that_read(role: str | None, method: str) -> None:
    """Nobody writes."""
    expected = role is not None and method in ("GET", "HEAD", "OPTIONS")
    assert IsReadOnly().has_permission(request_of("ana", role, method), None) is expected


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("deleted", [False, True])
def test_owner__by_role__is_the_owner(role: str | None, deleted: bool) -> None:
    """Also of a deleted row; admins only where the class says so."""
    theirs, others = row_of("ana", deleted=deleted), row_of("ben", deleted=deleted)
    request = request_of("ana", role)
    found = [
        permission().has_object_permission(request, None, row)
        for permission in (IsOwner, IsAdminOrIsOwner)
        for row in (theirs, others)
    ]
    member = role is not None
    assert found == [True, False, member, role in ("owner", "admin")]


@pytest.mark.parametrize("action", ["create", "restore", "revert", "bulk_create", "rotate", "list", None])
@pytest.mark.parametrize("method", METHODS)
def test_create__by_nobody__is_creating_and_nothing_else(action: str, method: str) -> None:
    """The original let anybody POST anything anywhere."""
    expected = (action, method) == ("create", "POST")
    found = IsAuthenticatedOrCreate().has_permission(request_of(None, None, method), view_of(action))
    assert found is expected


def test_create__with_a_credential_that_is_none__is_refused() -> None:
    """A wrong token is not nobody."""
    request = request_of(None, None, "POST", by="token")
    assert IsAuthenticatedOrCreate().has_permission(request, view_of("create")) is False


def test_create__of_many_by_nobody__is_refused() -> None:
    """One row at a time."""
    request = request_of(None, None, "POST")
    request.data = [{}, {}]
    assert IsAuthenticatedOrCreate().has_permission(request, view_of("create")) is False


@pytest.mark.parametrize(("role", "expected"), [("member", True), ("viewer", False)])
def test_create__by_a_member__goes_by_the_role(role: str, expected: bool) -> None:
    """Viewers look."""
    request = request_of("ana", role, "POST")
    assert IsAuthenticatedOrCreate().has_permission(request, view_of("create")) is expected
