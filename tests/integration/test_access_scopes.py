"""Scopes against every operation of the OpenAPI document: a program may do what they say and no more."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.rest.documents import openapi_document
from smartmodels.rest.registry import registered
from tenant_apps.research.models import Study
from tests.support.keys import make, program

NOBODY = "00000000-0000-7000-8000-00000000ffff"
UNSAFE = ("post", "put", "patch", "delete")
READING = ("find", "count")
CLOSED = ("account", "token", "keys", "applications", "origins", "sharing-policy")
MANAGED = ("grants",)
Api = Callable[..., Any]


def operations() -> Iterator[tuple[str, str]]:
    """Every method and path below /api/v1/ on a namespace's host."""
    document = openapi_document("config.urls_namespace", "Namespace API", "")
    return ((method, path) for path, methods in document["paths"].items() for method in methods)


def resource_of(path: str) -> str:
    return path.split("/")[3]


def needed(method: str, path: str) -> str:
    """What the operation takes, by the rules in words: reading reads, writing writes, sharing manages."""
    reads = method not in UNSAFE or path.rstrip("/").rpartition("/")[2] in READING
    if reads:
        return "read"
    return "manage" if resource_of(path) in MANAGED else "write"


def key_of(path: str) -> str:
    """A key of the form that the list has: marks and jobs are numbered."""
    return "999999" if resource_of(path) in ("marks", "jobs") else NOBODY


def call(namespace: Any, secret: str, method: str, path: str) -> Any:
    address = path.replace("{version}", "1").replace("{client_id}", "nobody").replace("{delivery}", NOBODY)
    address = address.replace("{id}", key_of(path)).replace("{activity}", NOBODY)
    return getattr(program(namespace, secret), method)(address, data={}, content_type="application/json")


def refused(answer: Any) -> bool:
    """Whether the scopes stood in the way, and not the row or the body."""
    return bool(answer.status_code == 403 and answer.json()["code"] == "insufficient-scope")


def outcomes(namespace: Any, secret: str) -> dict[tuple[str, str], bool]:
    return {each: refused(call(namespace, secret, *each)) for each in operations()}


@pytest.mark.parametrize("scope", ["read", "write", "studies:write", "grants:manage"])
def test_scope__against_every_operation__opens_what_it_says(alpha: Any, ana: Any, scope: str) -> None:
    """By method and list; accounts, tokens, keys and applications are for people."""
    _, secret = make(alpha, ana, [scope], role="admin")
    only, _, action = scope.rpartition(":")
    order = ("read", "write", "manage")

    def closed(method: str, path: str) -> bool:
        resource = resource_of(path)
        if resource in CLOSED or (only and resource != only):
            return True
        return order.index(needed(method, path)) > order.index(action)

    expected = {each: closed(*each) for each in operations() if each != ("post", "/api/v1/token/")}
    found = outcomes(alpha, secret)
    assert [each for each in expected if found[each] != expected[each]] == []


def test_operations__of_the_document__are_many() -> None:
    """The walk above goes where it should."""
    assert {"studies", "grants", "keys", "account"} <= {resource_of(path) for _, path in operations()}


@pytest.mark.parametrize(("role", "expected"), [("viewer", 403), ("member", 404)])
def test_role__against_a_row_of_nobody__is_asked_before_the_scope(
    alpha: Any, ana: Any, role: str, expected: int
) -> None:
    """A viewer's key writes nothing, whatever its scopes; a member's finds no such row."""
    _, secret = make(alpha, ana, ["manage"], role=role)
    paths = [f"/api/v1/{plural}/{NOBODY}/" for plural in registered()]
    assert {call(alpha, secret, "delete", path).status_code for path in paths} == {expected}


def test_refusal__for_want_of_a_scope__says_which(alpha: Any, ana: Any) -> None:
    """In the challenge (RFC 6750), for programs."""
    _, secret = make(alpha, ana, ["studies:read"])
    answer = call(alpha, secret, "post", "/api/v1/studies/")
    assert answer["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="studies:write"'


def test_document_and_root__with_any_scope__are_read(alpha: Any, ana: Any) -> None:
    """A program may find out what there is."""
    _, secret = make(alpha, ana, ["studies:read"])
    found = [program(alpha, secret).get(path).status_code for path in ("/api/v1/", "/api/schema/")]
    assert found == [200, 200]


def test_revert__of_an_operation__needs_the_scope_of_its_rows(alpha: Any, ana: Any, api_of: Api) -> None:
    """The way round by operations opens no list that is closed."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)) as opened:
        study = Study.objects.create(code="A", title="before")
        study.title = "after"
        study.save()
    _, secret = make(alpha, ana, ["operations:write"], role="admin")
    address = f"/api/v1/operations/{opened.id}/revert/"
    program(alpha, secret).post(address, {}, content_type="application/json")
    with namespace_scope(alpha):
        assert Study.objects.get(pk=study.pk).title == "after"


def security_of(method: str, path: str) -> dict[str, list[str]]:
    """Who may ask, by scheme, as the document says."""
    document = openapi_document("config.urls_namespace", "Namespace API", "")
    return {
        name: scopes for each in document["paths"][path][method]["security"] for name, scopes in each.items()
    }


def test_document__of_an_operation__says_who_may_ask() -> None:
    """With the scope that a program needs; where none may ask it says so by silence."""
    write = security_of("post", "/api/v1/studies/")
    assert (write, set(security_of("post", "/api/v1/keys/"))) == (
        {"token": [], "session": [], "key": ["studies:write"], "oauth": ["write"]},
        {"token", "session"},
    )
