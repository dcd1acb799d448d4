"""HTTP clients for one person on one host."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.test import AsyncClient, Client

from shared_apps.accounts.models import Token, User
from smartmodels.context import namespace_scope
from smartmodels.tenancy.names import primary_host

PUBLIC_HOST = "localhost"


def host_of(namespace: Any) -> str:
    """The host a namespace is served on; that of the public site for None."""
    return PUBLIC_HOST if namespace is None else primary_host(namespace.slug)


def session_client(user: User | None, namespace: Any) -> Client:
    """A browser on the namespace's host, logged in unless ``user`` is None."""
    client = Client(headers={"host": host_of(namespace)})
    if user is not None:
        with namespace_scope(namespace):
            client.force_login(user)
    return client


class ApiClient:
    """A program that speaks JSON: with a token in a namespace, with a session on the public host."""

    def __init__(self, user: User | None, namespace: Any) -> None:
        if user is None or namespace is None:
            self._client = session_client(user, namespace)
        else:
            _, secret = Token.issue(user, namespace.pk)
            headers = {"host": host_of(namespace), "authorization": f"Token {secret}"}
            self._client = Client(headers=headers)

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        return self._client.get(path, query, headers={"accept": "application/json", **(headers or {})})

    def search(self, path: str, **given: Any) -> Any:
        """A list with a filter: ``search(path, where={...}, order="code")``."""
        return self.get(path, filter=json.dumps(given, cls=DjangoJSONEncoder))

    def post(self, path: str, data: Any = None, **headers: str) -> Any:
        return self._send("POST", path, data, headers)

    def put(self, path: str, data: Any = None, **headers: str) -> Any:
        return self._send("PUT", path, data, headers)

    def patch(self, path: str, data: Any = None, **headers: str) -> Any:
        return self._send("PATCH", path, data, headers)

    def delete(self, path: str, data: Any = None, **headers: str) -> Any:
        return self._send("DELETE", path, data, headers)

    def send_lines(self, path: str, lines: bytes, **headers: str) -> Any:
        """Post NDJSON."""
        return self._client.generic(
            "POST", path, lines, content_type="application/x-ndjson",
            headers={"accept": "application/json", **headers},
        )  # fmt: skip

    def _send(self, method: str, path: str, data: Any, headers: dict[str, str]) -> Any:
        body = b"" if data is None else json.dumps(data, cls=DjangoJSONEncoder)
        return self._client.generic(
            method, path, body, content_type="application/json",
            headers={"accept": "application/json", **headers},
        )  # fmt: skip


class AsyncBrowser(AsyncClient):
    """Django's asynchronous client on the namespace's host; the original knows one host only."""

    def __init__(self, namespace: Any) -> None:
        super().__init__()
        self._host = host_of(namespace).encode()

    def _base_scope(self, **request: Any) -> Any:
        scope = super()._base_scope(**request)
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"host"]
        scope["headers"].append((b"host", self._host))
        return scope
