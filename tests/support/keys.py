"""API keys for tests: made as a person makes them, used as a program uses them."""

from collections.abc import Iterable
from typing import Any

from django.test import Client

from smartmodels.context import Actor, operation
from smartmodels.tenancy import life
from tests.support.clients import host_of


def make(namespace: Any, maker: Any, scopes: Iterable[str] = ("manage",), **wish: Any) -> tuple[Any, str]:
    """A new key and its secret."""
    with operation(actor=Actor.user(maker)):
        return life.make_key(namespace, maker, **{"name": "robot", "scopes": scopes, **wish})


def program(namespace: Any, secret: str, scheme: str = "Bearer") -> Client:
    """A program on the namespace's host that shows the secret with every request."""
    return Client(headers={"host": host_of(namespace), "authorization": f"{scheme} {secret}"})


def status(namespace: Any, secret: str, path: str = "/api/v1/studies/") -> int:
    """What a GET with the secret is answered with."""
    return program(namespace, secret).get(path).status_code
