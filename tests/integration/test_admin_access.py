"""Who gets into the admin, and that nobody sees another namespace's rows."""

from typing import Any

import pytest
from django.test import Client

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Study
from tests.support.clients import host_of
from tests.support.people import PASSWORD, email_of

REFUSAL = "Please enter the e-mail address and password of an account that may log in here."


@pytest.fixture
def study(in_alpha: Any) -> Study:
    return Study.objects.create(code="PAL0708", island="Biscoe")


@pytest.fixture
def log_in() -> Any:
    def post(name: str, namespace: Any, password: str = PASSWORD, client: Any = None) -> Any:
        client = client or Client(headers={"host": host_of(namespace)})
        data = {"username": email_of(name), "password": password}
        return client.post("/admin/login/", data)

    return post


@pytest.mark.parametrize("name", ["ana", "ben", "vic"])
def test_login__member__enters(log_in: Any, alpha: Namespace, name: str) -> None:
    """Every member of a namespace can log in there."""
    assert log_in(name, alpha).status_code == 302


@pytest.mark.parametrize(
    ("name", "password"), [("bea", PASSWORD), ("staff", PASSWORD), ("ana", "wrong"), ("nobody", PASSWORD)]
)
def test_login__non_member__reads_the_same_refusal_as_a_wrong_password(
    log_in: Any, alpha: Namespace, name: str, password: str
) -> None:
    """Nothing tells a stranger which accounts exist or who is a member."""
    response = log_in(name, alpha, password)
    assert response.context["form"].non_field_errors() == [REFUSAL]


def test_login__address_in_capitals__enters(rows: None, alpha: Namespace) -> None:
    """E-mail addresses are compared without regard to case."""
    client = Client(headers={"host": host_of(alpha)})
    response = client.post("/admin/login/", {"username": "ANA@Example.org", "password": PASSWORD})
    assert response.status_code == 302


def test_login__member_without_staff_rights_on_public_host__is_refused(log_in: Any, rows: None) -> None:
    """Owning a namespace opens nothing on the public host."""
    assert log_in("ana", None).context["form"].non_field_errors() == [REFUSAL]


def test_login__staff_on_public_host__enters(log_in: Any, rows: None) -> None:
    """Staff logs in on the public host."""
    assert log_in("staff", None).status_code == 302


def test_login__eleventh_wrong_password__is_throttled(log_in: Any, alpha: Namespace) -> None:
    """Guessing is stopped after ten attempts, whoever the account belongs to."""
    for _ in range(10):
        log_in("ana", alpha, "wrong")
    assert log_in("ana", alpha).status_code == 429


def test_login__throttled_in_one_namespace__still_works_in_another(
    log_in: Any, alpha: Namespace, beta: Namespace
) -> None:
    """Attempts are counted per namespace."""
    for _ in range(11):
        log_in("ben", alpha, "wrong")
    assert log_in("ben", beta).status_code == 302


def test_login__success__forgets_the_failures_before(log_in: Any, alpha: Namespace) -> None:
    """Somebody who mistypes now and then is not locked out in the end."""
    for _ in range(2):
        for _ in range(9):
            log_in("ana", alpha, "wrong")
        last = log_in("ana", alpha)
    assert last.status_code == 302


def test_login__without_csrf_token__is_refused(log_in: Any, alpha: Namespace) -> None:
    """The form is protected against forgery."""
    client = Client(enforce_csrf_checks=True, headers={"host": host_of(alpha)})
    assert log_in("ana", alpha, client=client).status_code == 403


def test_session_cookie__after_login__holds_for_this_host_only(log_in: Any, alpha: Namespace) -> None:
    """The cookie names no domain, so browsers send it to this very host alone."""
    assert log_in("ana", alpha).cookies["sessionid"]["domain"] == ""


def test_index__session_of_another_namespace__is_sent_to_login(
    client_of: Any, ben: User, alpha: Namespace, beta: Namespace
) -> None:
    """A member of both namespaces logs in on each."""
    client = client_of(ben, alpha)
    response = client.get("/admin/", headers={"host": host_of(beta)})
    assert response.headers["location"].startswith("/admin/login/")


def test_index__member_removed_meanwhile__is_sent_to_login(
    client_of: Any, ben: User, alpha: Namespace
) -> None:
    """A membership that ended holds from the next request on."""
    client = client_of(ben, alpha)
    ben.memberships.all().delete()
    assert client.get("/admin/").status_code == 302


def test_index__suspended_namespace__answers_a_page_that_says_so(
    client_of: Any, ana: User, alpha: Namespace
) -> None:
    """People read why nothing is served."""
    client = client_of(ana, alpha)
    type(alpha).objects.filter(pk=alpha.pk).update(state="suspended")
    response = client.get("/admin/", headers={"accept": "text/html"})
    assert (response.status_code, b"suspended" in response.content) == (503, True)


def test_index__unknown_host__answers_a_page_that_says_so(rows: None) -> None:
    """A mistyped address is answered with a page, not with a stack of headers."""
    client = Client(headers={"host": "nowhere.localhost"})
    response = client.get("/admin/", headers={"accept": "text/html"})
    assert (response.status_code, b"<h1>Nothing is served here</h1>" in response.content) == (404, True)


def test_index__namespace_name__stands_in_the_header(client_of: Any, ana: User, alpha: Namespace) -> None:
    """Members see where they are."""
    assert client_of(ana, alpha).get("/admin/").context["site_header"] == "Alpha"


def test_index__shared_models__are_not_offered(client_of: Any, ana: User, alpha: Namespace) -> None:
    """Accounts and namespaces are no business of a namespace's admin."""
    apps = client_of(ana, alpha).get("/admin/").context["app_list"]
    shared = {"accounts", "namespaces", "sharing", "operations", "auth"}
    assert {app["app_label"] for app in apps}.isdisjoint(shared)


PAGES = (
    "{pk}/change/",
    "{pk}/delete/",
    "{pk}/history/",
    "{pk}/history/{version}/",
    "{pk}/history/{version}/revert/",
    "{pk}/history/compare/?older={version}&newer={version}",
    "{pk}/restore/",
    "{pk}/",
)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("page", PAGES)
def test_page__row_of_another_namespace__is_not_found(
    client_of: Any, bea: User, alpha: Namespace, beta: Namespace, study: Study, page: str, method: str
) -> None:
    """The owner of beta reaches no row of alpha, whichever page is asked for."""
    version = study.history.get().pk
    address = f"/admin/research/study/{page.format(pk=study.pk, version=version)}"
    response = getattr(client_of(bea, beta), method)(address, follow=True)
    assert (b"PAL0708" in response.content, study.history.count()) == (False, 1)


@pytest.mark.parametrize("page", ["", "?deleted=yes", "?q=PAL", "?all="])
def test_list__rows_of_another_namespace__are_not_listed(
    client_of: Any, bea: User, beta: Namespace, study: Study, page: str
) -> None:
    """A list holds the rows of its own namespace."""
    assert b"PAL0708" not in client_of(bea, beta).get(f"/admin/research/study/{page}").content


def test_autocomplete__row_of_another_namespace__is_not_offered(
    client_of: Any, bea: User, beta: Namespace, study: Study
) -> None:
    """What a foreign key can point at lives in the same namespace."""
    address = "/admin/autocomplete/?app_label=research&model_name=specimen&field_name=study&term=PAL"
    assert client_of(bea, beta).get(address).json()["results"] == []


def test_form__foreign_key_to_a_row_of_another_namespace__is_refused(
    client_of: Any, bea: User, beta: Namespace, study: Study
) -> None:
    """A posted key of another namespace's row is no valid choice."""
    data = {"study": study.pk, "number": 1, "individual": "N1", "species": "Adelie"}
    response = client_of(bea, beta).post("/admin/research/specimen/add/", data)
    assert "study" in response.context["adminform"].form.errors


@pytest.mark.parametrize("field", ["owner", "created_by"])
def test_autocomplete__accounts__cannot_be_searched(
    client_of: Any, ana: User, alpha: Namespace, field: str
) -> None:
    """Members cannot list the platform's accounts."""
    address = f"/admin/autocomplete/?app_label=research&model_name=study&field_name={field}&term=e"
    assert client_of(ana, alpha).get(address).status_code == 403


def test_page__anonymous__is_sent_to_login(alpha: Namespace, study: Study) -> None:
    """Nobody sees anything without logging in."""
    client = Client(headers={"host": host_of(alpha)})
    response = client.get(f"/admin/research/study/{study.pk}/history/")
    assert response.headers["location"].startswith("/admin/login/")


def test_recent_changes__of_another_namespace__are_not_shown(
    client_of: Any, ana: User, alpha: Namespace, beta: Namespace, bea: User
) -> None:
    """The start page tells what changed here."""
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        Study.objects.create(code="SECRET")
    assert b"SECRET" not in client_of(ana, alpha).get("/admin/").content
