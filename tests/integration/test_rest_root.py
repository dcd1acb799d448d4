"""The front page of the API names what there is."""

from collections.abc import Callable
from typing import Any


def test_root__of_a_namespace__names_lists_and_what_stands_beside_them(
    api_of: Callable[..., Any], ana: Any, alpha: Any
) -> None:
    """Nobody has to read the document to find the token."""
    found = api_of(ana, alpha).get("/api/v1/").json()
    assert {"studies", "token", "account", "origins"} <= found.keys()


def test_root__of_the_public_host__names_the_account(api_of: Callable[..., Any], staff: Any) -> None:
    """There, too."""
    found = api_of(staff, None).get("/api/v1/").json()
    assert {"namespaces", "token", "account"} <= found.keys()
