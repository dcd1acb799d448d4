"""No address of either host fails because of the method it is asked with."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import Resolver404, URLPattern, get_resolver, resolve

from config import urls_namespace, urls_public

KEY = "0190a5c8-0000-7000-8000-000000000000"
# The tests' own shop has the same endpoints as the rest.
SHOP = ("/api/v1/items/", "/api/v1/owners/", "/api/v1/reviews/")
METHODS = ("OPTIONS", "HEAD")
# Nothing here knows them: they end where views choose what answers, which all views of a class do alike.
UNKNOWN = ("TRACE", "BREW")
Clients = Callable[..., Any]


def addresses(patterns: Any, before: str = "/") -> Iterator[str]:
    """Every address below the patterns, a key standing for each parameter."""
    for pattern in patterns:
        route = str(pattern.pattern).strip("^$").replace("\\Z", "")
        route = re.sub(r"\(\?P<[^>]+>(?:\[[^]]*\]|[^()\[\]])*\)|<[^>]+>", KEY, route)
        if isinstance(pattern, URLPattern):
            yield before + route.removesuffix("$")
        else:
            yield from addresses(pattern.url_patterns, before + route)


def class_of(address: str, urlconf: str) -> Any:
    """The class that answers there; where a method does, that method of whichever class it was bound to."""
    try:
        view = resolve(address, urlconf).func
    except Resolver404:
        return None
    return getattr(view, "cls", getattr(view, "view_class", getattr(view, "__qualname__", view)))


def failures(client: Any, urlconf: str) -> list[tuple[str, str, int]]:
    """What answers 500 or more."""
    client.raise_request_exception = False
    found = []
    classes = set()
    for address in addresses(get_resolver(urlconf).url_patterns):
        if address.startswith(SHOP):
            continue
        kind = class_of(address, urlconf)
        for method in METHODS if kind in classes else (*METHODS, *UNKNOWN):
            classes.add(kind)
            answer = client.generic(method, address)
            if answer.status_code >= 500:
                found.append((method, address, answer.status_code))
    return found


def test_addresses__of_a_namespace__include_pages_and_endpoints() -> None:
    """The walk below goes where it should."""
    found = set(addresses(get_resolver(urls_namespace.__name__).url_patterns))
    assert {"/api/docs/", f"/api/v1/studies/{KEY}/", "/admin/login/"} <= found


def test_methods__unusual__never_fail_on_a_namespace(client_of: Clients, ana: Any, alpha: Any) -> None:
    """The owner of a namespace asks everything in every way."""
    assert failures(client_of(ana, alpha), urls_namespace.__name__) == []


def test_methods__unusual__never_fail_on_the_public_host(client_of: Clients, staff: Any) -> None:
    """Staff does so on the public host."""
    assert failures(client_of(staff, None), urls_public.__name__) == []


@pytest.mark.parametrize("page", ["docs", "schema"])
def test_options__of_the_documentation__is_not_allowed(
    client_of: Clients, ana: Any, alpha: Any, page: str
) -> None:
    """They are read and nothing else."""
    answer = client_of(ana, alpha).options(f"/api/{page}/")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
