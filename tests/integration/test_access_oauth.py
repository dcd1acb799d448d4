"""OAuth 2: who is let in, how far, and that nothing of one namespace is worth anything in another."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from shared_apps.oauth.models import Application
from shared_apps.oauth.tasks import forget_tokens
from smartmodels.context import namespace_scope
from smartmodels.history import timeline
from smartmodels.tenancy import life
from tenant_apps.research.models import Study
from tests.support.keys import program, status
from tests.support.lives import act
from tests.support.oauth import (
    BACK,
    VERIFIER,
    App,
    agree,
    ask,
    code_of,
    exchange,
    machine,
    question,
    register,
    tokens,
)

STUDIES = "/api/v1/studies/"


# Authorization code


def test_code__exchanged__gives_a_token_that_reads(alpha: Any, ana: Any, ben: Any) -> None:
    """The application acts for whoever let it in."""
    found = tokens(ben, alpha, register(alpha, ana))
    assert (status(alpha, found["access_token"]), found["scope"]) == (200, "studies:read")


def test_token__whose_scope_is_narrow__does_no_more(alpha: Any, ana: Any, ben: Any) -> None:
    """It reads studies and nothing else."""
    client = program(alpha, tokens(ben, alpha, register(alpha, ana))["access_token"])
    written = client.post(STUDIES, {"code": "K"}, content_type="application/json")
    other = client.get("/api/v1/specimens/")
    assert (written.status_code, other.status_code, written.json()["code"]) == (
        403,
        403,
        "insufficient-scope",
    )


def test_token__that_writes__is_the_application_for_the_person(alpha: Any, ana: Any, ben: Any) -> None:
    """History names the application; the row is the person's."""
    found = tokens(ben, alpha, register(alpha, ana), scope="studies:write")
    row = (
        program(alpha, found["access_token"])
        .post(STUDIES, {"code": "K"}, content_type="application/json")
        .json()
    )
    with namespace_scope(alpha):
        version = timeline(Study, row["id"]).get()
        owner = Study.objects.get(pk=row["id"]).owner_id
    assert (version.actor_kind, version.actor_label, owner) == ("oauth_application", "Reader", ben.pk)


def test_token__of_a_viewer__writes_nothing(alpha: Any, ana: Any, vic: Any) -> None:
    """A scope widens no role."""
    found = tokens(vic, alpha, register(alpha, ana), scope="write")
    written = program(alpha, found["access_token"]).post(
        STUDIES, {"code": "K"}, content_type="application/json"
    )
    assert written.status_code == 403


def test_tokens__kept__are_digests(alpha: Any, ana: Any, ben: Any) -> None:
    """Neither token nor the application's secret is in the database."""
    app = register(alpha, ana)
    found = tokens(ben, alpha, app)
    kept = str([*get_access_token_model().objects.values(), *get_refresh_token_model().objects.values(),
                *Application.all_objects.values()])  # fmt: skip
    shown = [secret in kept for secret in (found["access_token"], found["refresh_token"], app.secret)]
    assert shown == [False] * 3


def test_code__without_pkce__is_refused(alpha: Any, ana: Any, ben: Any) -> None:
    """The browser comes back with an error."""
    app = register(alpha, ana)
    answer = agree(ben, alpha, app, code_challenge="")
    assert "error=invalid_request" in answer["Location"]


def test_code__with_a_plain_challenge__is_refused(alpha: Any, ana: Any, ben: Any) -> None:
    """Only digests will do."""
    answer = agree(ben, alpha, register(alpha, ana), code_challenge_method="plain")
    assert "error=invalid_request" in answer["Location"]


def test_code__with_another_verifier__is_worth_nothing(alpha: Any, ana: Any, ben: Any) -> None:
    """Whoever caught the code cannot use it."""
    app = register(alpha, ana)
    answer = exchange(alpha, app, code_of(agree(ben, alpha, app)), code_verifier="w" * 64)
    assert answer.status_code == 400


def test_code__used_twice__is_refused(alpha: Any, ana: Any, ben: Any) -> None:
    """Once is enough."""
    app = register(alpha, ana)
    code = code_of(agree(ben, alpha, app))
    assert [exchange(alpha, app, code).status_code for _ in range(2)] == [200, 400]


def test_authorize__nobody__logs_in_first(client_of: Any, alpha: Any, ana: Any) -> None:
    """And comes back."""
    answer = client_of(None, alpha).get("/oauth/authorize/", question(register(alpha, ana)))
    assert answer["Location"].startswith("/admin/login/?next=/oauth/authorize/")


@pytest.mark.parametrize(
    "uri", ["https://evil.example.org/back", BACK + "/more", "http://app.example.org/back"]
)
def test_authorize__sent_elsewhere__goes_nowhere(
    client_of: Any, alpha: Any, ana: Any, ben: Any, uri: str
) -> None:
    """Addresses are compared letter by letter."""
    answer = client_of(ben, alpha).get("/oauth/authorize/", question(register(alpha, ana), redirect_uri=uri))
    assert answer.status_code == 400


def test_authorize__wider_than_the_application__is_refused(alpha: Any, ana: Any, ben: Any) -> None:
    """What it was not given it cannot ask for."""
    answer = agree(ben, alpha, register(alpha, ana, scopes=["studies:read"]), scope="manage")
    assert "error=invalid_scope" in answer["Location"]


def test_consent__of_another_page__is_refused(client_of: Any, alpha: Any, ana: Any, ben: Any) -> None:
    """The form carries the CSRF token."""
    browser = client_of(ben, alpha)
    browser.handler.enforce_csrf_checks = True
    assert (
        browser.post("/oauth/authorize/", {**question(register(alpha, ana)), "allow": "yes"}).status_code
        == 403
    )


# Client credentials


def test_machine__by_its_secret__acts_on_its_makers_account(alpha: Any, ana: Any) -> None:
    """As far as its role goes."""
    found = machine(alpha, register(alpha, ana, "client-credentials")).json()
    written = program(alpha, found["access_token"]).post(
        STUDIES, {"code": "K"}, content_type="application/json"
    )
    assert (written.status_code, "refresh_token" in found) == (201, False)


def test_machine__whose_role_is_viewer__writes_nothing(alpha: Any, ana: Any) -> None:
    """Whatever its maker may."""
    found = machine(alpha, register(alpha, ana, "client-credentials", role="viewer")).json()
    client = program(alpha, found["access_token"])
    assert client.post(STUDIES, {"code": "K"}, content_type="application/json").status_code == 403


def test_machine__with_a_wrong_secret__gets_nothing(alpha: Any, ana: Any) -> None:
    """As 401."""
    app = register(alpha, ana, "client-credentials")
    assert machine(alpha, type(app)(app.row, "wrong")).status_code == 401


@pytest.mark.parametrize(
    "grant", ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "x\x00"]
)
def test_grant__that_is_not_offered__is_refused(alpha: Any, ana: Any, grant: str) -> None:
    """With 400, whatever is sent along."""
    app = register(alpha, ana, "client-credentials")
    answer = ask(alpha, app, grant_type=grant, username=ana.email, password="x", device_code="y")
    assert answer.status_code in (400, 401)


# What ends a token


def removed(alpha: Any, ben: Any) -> None:
    act(life.remove_member, alpha, ben)
    act(life.add_member, alpha, ben, "member")


def left(alpha: Any, ben: Any) -> None:
    alpha.memberships.filter(user=ben).delete()


def deleted(alpha: Any, ben: Any) -> None:
    act(life.delete, alpha)
    act(life.undelete, alpha)


def unregistered(alpha: Any, ben: Any) -> None:
    Application.all_objects.all().delete()


@pytest.mark.parametrize("end", [removed, left, deleted, unregistered])
def test_token__ended__opens_nothing_from_the_next_request_on(
    alpha: Any, ana: Any, ben: Any, end: Callable[..., None]
) -> None:
    """Neither does the refresh token bring another."""
    app = register(alpha, ana)
    found = tokens(ben, alpha, app)
    before = status(alpha, found["access_token"])
    end(alpha, ben)
    refreshed = ask(alpha, app, grant_type="refresh_token", refresh_token=found["refresh_token"])
    assert (before, status(alpha, found["access_token"]), refreshed.status_code in (400, 401)) == (
        200,
        401,
        True,
    )


def test_token__revoked__opens_nothing(alpha: Any, ana: Any, ben: Any) -> None:
    """By the application itself."""
    app = register(alpha, ana)
    found = tokens(ben, alpha, app)
    answer = ask(alpha, app, "revoke", token=found["access_token"])
    assert (answer.status_code, status(alpha, found["access_token"])) == (200, 401)


def test_refresh__used__replaces_both_tokens(alpha: Any, ana: Any, ben: Any) -> None:
    """Using the old one again ends the new one, too: one of the two was stolen."""
    app = register(alpha, ana)
    first = tokens(ben, alpha, app)
    second = ask(alpha, app, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    works = status(alpha, second["access_token"])
    again = ask(alpha, app, grant_type="refresh_token", refresh_token=first["refresh_token"])
    after = ask(alpha, app, grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert (works, again.status_code, after.status_code) == (200, 400, 400)


# One namespace


def test_application__of_one_namespace__is_unknown_in_another(
    client_of: Any, alpha: Any, beta: Any, ana: Any, ben: Any
) -> None:
    """Somebody who is a member of both cannot let it in there."""
    answer = client_of(ben, beta).get("/oauth/authorize/", question(register(alpha, ana)))
    assert (answer.status_code, "invalid_request" in answer.content.decode()) == (400, True)


@pytest.mark.parametrize("door", ["token", "refresh", "revoke", "introspect"])
def test_application__at_the_door_of_another_namespace__is_nobody(
    alpha: Any, beta: Any, ana: Any, ben: Any, door: str
) -> None:
    """With 401 or 403, and its tokens at home are untouched."""
    app = register(alpha, ana)
    code, found = code_of(agree(ben, alpha, app)), tokens(ben, alpha, app)
    answer = {
        "token": lambda: exchange(beta, app, code),
        "refresh": lambda: ask(beta, app, grant_type="refresh_token", refresh_token=found["refresh_token"]),
        "revoke": lambda: ask(beta, app, "revoke", token=found["access_token"]),
        "introspect": lambda: ask(beta, app, "introspect", token=found["access_token"]),
    }[door]()
    assert (answer.status_code in (401, 403), status(alpha, found["access_token"])) == (True, 200)


@pytest.mark.parametrize("door", ["refresh", "revoke", "introspect"])
def test_token__shown_by_an_application_of_another_namespace__is_unknown(
    alpha: Any, beta: Any, ana: Any, bea: Any, ben: Any, door: str
) -> None:
    """Nothing is said about it and nothing happens to it."""
    found, other = tokens(ben, alpha, register(alpha, ana)), register(beta, bea)
    answer = {
        "refresh": lambda: ask(beta, other, grant_type="refresh_token", refresh_token=found["refresh_token"]),
        "revoke": lambda: ask(beta, other, "revoke", token=found["access_token"]),
        "introspect": lambda: ask(beta, other, "introspect", token=found["access_token"]),
    }[door]()
    told = {"refresh": b"invalid_grant", "revoke": b"", "introspect": b'"active": false'}[door]
    assert (told in answer.content, status(alpha, found["access_token"])) == (True, 200)


def test_token__of_one_namespace__opens_no_other(alpha: Any, beta: Any, ana: Any, ben: Any) -> None:
    """Nor the public host."""
    found = tokens(ben, alpha, register(alpha, ana))["access_token"]
    assert (status(beta, found), status(None, found, "/api/v1/namespaces/")) == (401, 401)


def test_introspect__at_home__describes_the_token(alpha: Any, ana: Any, ben: Any) -> None:
    """By POST alone: tokens have no place in addresses."""
    app = register(alpha, ana)
    found = tokens(ben, alpha, app)
    answer = ask(alpha, app, "introspect", token=found["access_token"]).json()
    assert (answer["active"], answer["scope"], answer["client_id"]) == (
        True,
        "studies:read",
        app.row.client_id,
    )


def test_doors__of_the_public_host__are_none(client_of: Any) -> None:
    """Applications are a namespace's."""
    assert client_of(None, None).get("/oauth/authorize/").status_code == 404


@pytest.mark.parametrize("shown", ["smo_", "smo_" + "x" * 100_000, "smo_\x00", "smo_\xff", "smr_abc"])
def test_token__that_is_none__is_refused(alpha: Any, shown: str) -> None:
    """With 401, whatever it holds."""
    assert program(alpha, shown).get(STUDIES).status_code == 401


def test_tables__of_oauth__are_in_public_alone(alpha: Any) -> None:
    """No namespace has any."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'oauth%'")
        assert cursor.fetchall() == [("public",)]


# Registering

APPLICATIONS = "/api/v1/applications/"
WISH = {"name": "Reader", "scopes": ["studies:read"], "redirect_uris": [BACK]}


def test_application__registered_over_rest__lets_people_in(
    api_of: Any, alpha: Any, ana: Any, ben: Any
) -> None:
    """Its secret is shown once."""
    made = api_of(ana, alpha).post(APPLICATIONS, WISH).json()
    app = App(Application.all_objects.get(client_id=made["client_id"]), made["client_secret"])
    shown = api_of(ana, alpha).get(f"{APPLICATIONS}{made['client_id']}/").content.decode()
    found = tokens(ben, alpha, app)["access_token"]
    assert (status(alpha, found), app.secret in shown) == (200, False)


@pytest.mark.parametrize("person", ["ben", "vic"])
def test_application__by_a_member__is_not_registered(
    request: pytest.FixtureRequest, api_of: Any, alpha: Any, person: str
) -> None:
    """That is for managers."""
    assert api_of(request.getfixturevalue(person), alpha).post(APPLICATIONS, WISH).status_code == 403


@pytest.mark.parametrize(
    "wish",
    [
        {"redirect_uris": []},
        {"redirect_uris": ["http://app.example.org/back"]},
        {"redirect_uris": ["https://*.example.org/"]},
        {"redirect_uris": ["https://a.example.org/ https://b.example.org/"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["https://a.example.org/#part"]},
        {"redirect_uris": ["nul\x00"]},
        {"scopes": ["nonsense"]},
        {"scopes": []},
        {"grant": "password"},
        {"grant": "client-credentials", "public": True, "redirect_uris": []},
        {"role": "owner"},
        {"name": ""},
        {"client_id": "mine"},
    ],
)
def test_application__wish_that_cannot_be__is_refused(
    api_of: Any, alpha: Any, ana: Any, wish: dict[str, Any]
) -> None:
    """With 400, and nothing is registered."""
    answer = api_of(ana, alpha).post(APPLICATIONS, {**WISH, **wish})
    assert (answer.status_code, Application.all_objects.count()) == (400, 0)


def test_application__of_another_namespace__is_not_found(
    api_of: Any, alpha: Any, beta: Any, ana: Any, bea: Any
) -> None:
    """Neither to read nor to remove."""
    address = f"{APPLICATIONS}{register(alpha, ana).row.client_id}/"
    api = api_of(bea, beta)
    assert (api.get(address).status_code, api.delete(address).status_code) == (404, 404)


def test_application__public__needs_no_secret(
    client_of: Any, api_of: Any, alpha: Any, ana: Any, ben: Any
) -> None:
    """A page in a browser keeps none; the challenge stands for it."""
    made = api_of(ana, alpha).post(APPLICATIONS, {**WISH, "public": True}).json()
    app = App(Application.all_objects.get(client_id=made["client_id"]), "")
    form = {
        "grant_type": "authorization_code", "code": code_of(agree(ben, alpha, app)), "redirect_uri": BACK,
        "code_verifier": VERIFIER, "client_id": made["client_id"],
    }  # fmt: skip
    answer = client_of(None, alpha).post("/oauth/token/", form)
    assert (made["client_secret"], status(alpha, answer.json()["access_token"])) == (None, 200)


def test_application__by_command__is_registered_listed_and_removed(
    alpha: Any, ana: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """As over REST."""
    words = ("--maker", ana.email, "--name", "R", "--scope", "read", "--redirect", BACK, "--json")
    call_command("application", "register", "alpha", *words)
    made = json.loads(capsys.readouterr().out)
    call_command("application", "list", "alpha", "--json")
    listed = json.loads(capsys.readouterr().out)
    call_command("application", "remove", "alpha", made["client_id"])
    found = ("client_secret" in made, [row["client_id"] for row in listed], Application.all_objects.count())
    assert found == (True, [made["client_id"]], 0)


def test_tokens__that_are_over__are_forgotten(alpha: Any, ana: Any) -> None:
    """Once a day."""
    machine(alpha, register(alpha, ana, "client-credentials"))
    get_access_token_model().objects.update(expires=timezone.now() - timedelta(days=99))
    forget_tokens()
    assert get_access_token_model().objects.count() == 0
