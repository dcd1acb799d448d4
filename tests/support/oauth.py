"""OAuth 2 as an application and a person go through it."""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.test import Client

from shared_apps.oauth.models import Application
from tests.support.clients import host_of, session_client

BACK = "https://app.example.org/back"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True)
class App:
    """A registered application and its secret."""

    row: Application
    secret: str

    def basic(self) -> str:
        """The header by which it shows who it is."""
        pair = f"{self.row.client_id}:{self.secret}".encode()
        return "Basic " + base64.b64encode(pair).decode()


def register(namespace: Any, maker: Any, grant: str = "authorization-code", **wish: Any) -> App:
    """A confidential application of the namespace."""
    secret = "s" * 64
    row = Application.all_objects.create(
        namespace=namespace, user=maker, name="Reader", client_type="confidential", client_secret=secret,
        authorization_grant_type=grant, redirect_uris=BACK if grant == "authorization-code" else "",
        **{"scopes": ["write"], **wish},
    )  # fmt: skip
    return App(row, secret)


def question(app: App, **more: str) -> dict[str, str]:
    """What an application sends a person's browser with."""
    return {
        "client_id": app.row.client_id, "response_type": "code", "redirect_uri": BACK, "state": "st",
        "scope": "studies:read", "code_challenge": CHALLENGE, "code_challenge_method": "S256", **more,
    }  # fmt: skip


def agree(person: Any, namespace: Any, app: App, **more: str) -> Any:
    """The person lets the application in; the answer is a redirect."""
    browser = session_client(person, namespace)
    page = browser.get("/oauth/authorize/", question(app, **more))
    if page.status_code != 200:
        return page
    fields = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', page.content.decode()))
    fields.pop("csrfmiddlewaretoken", None)
    return browser.post("/oauth/authorize/", {**fields, "allow": "yes"})


def code_of(answer: Any) -> str:
    """The code in the address that the browser is sent to."""
    return parse_qs(urlsplit(answer["Location"]).query)["code"][0]


def ask(namespace: Any, app: App, path: str = "token", **form: str) -> Any:
    """The application asks an endpoint, showing who it is."""
    headers = {"host": host_of(namespace), "authorization": app.basic()}
    return Client(headers=headers).post(f"/oauth/{path}/", form)


def exchange(namespace: Any, app: App, code: str, **more: str) -> Any:
    """The code for tokens."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return ask(namespace, app, **{**form, **more})


def tokens(person: Any, namespace: Any, app: App, **more: str) -> dict[str, Any]:
    """The whole way: access and refresh token."""
    found: dict[str, Any] = exchange(namespace, app, code_of(agree(person, namespace, app, **more))).json()
    return found


def machine(namespace: Any, app: App, **more: str) -> Any:
    """The tokens of a program that acts for nobody but its maker."""
    return ask(namespace, app, grant_type="client_credentials", **more)
