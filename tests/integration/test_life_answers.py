"""What each host answers to whom, in every state of its namespace."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from shared_apps.accounts.models import Token
from shared_apps.namespaces.models import Membership, Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.tenancy import life
from smartmodels.tenancy.models import State
from tenant_apps.research.models import Study
from tests.support.clients import AsyncBrowser, host_of
from tests.support.lives import act
from tests.support.people import PASSWORD, email_of

STUDIES = "/api/v1/studies/"
CLOSED = [State.SUSPENDED, State.MAINTENANCE]
PEOPLE = ("anonymous", "member", "staff", "visiting staff")
# What each of PEOPLE gets of the API and of the front page.
ANSWERS = {
    State.RESERVED: ([503, 503, 503, 503], [503, 503, 503, 503]),
    State.CREATING: ([503, 503, 503, 503], [503, 503, 503, 503]),
    State.LOADING: ([503, 503, 503, 503], [503, 503, 503, 503]),
    State.FAILED: ([503, 503, 503, 503], [503, 503, 503, 503]),
    State.ACTIVE: ([401, 200, 200, 401], [200, 200, 200, 200]),
    State.MAINTENANCE: ([503, 503, 200, 401], [503, 503, 200, 200]),
    State.SUSPENDED: ([503, 503, 200, 401], [503, 503, 200, 200]),
    State.ARCHIVED: ([410, 410, 410, 410], [410, 410, 410, 410]),
    State.DELETED: ([404, 404, 404, 404], [404, 404, 404, 404]),
    State.DELETING: ([404, 404, 404, 404], [404, 404, 404, 404]),
}


@pytest.fixture
def people(alpha: Namespace, ben: Any, staff: Any, bea: Any) -> dict[str, Any]:
    """Nobody, a member, staff that is a member, and staff that is not."""
    Membership.objects.create(namespace=alpha, user=staff, role="admin")
    type(bea).objects.filter(pk=bea.pk).update(is_staff=True)
    bea.refresh_from_db()
    return {"anonymous": None, "member": ben, "staff": staff, "visiting staff": bea}


def put(namespace: Namespace, state: str, **columns: Any) -> None:
    Namespace.objects.filter(pk=namespace.pk).update(state=state, **columns)


def test_states__all__have_an_answer() -> None:
    """A new state needs one."""
    assert set(ANSWERS) == set(State)


@pytest.mark.parametrize("state", list(State))
def test_namespace__in_a_state__answers_programs(
    alpha: Namespace, people: dict[str, Any], api_of: Any, state: State
) -> None:
    """By token, as problem documents."""
    apis = [api_of(people[name], alpha) for name in PEOPLE]
    put(alpha, state)
    answers = [api.get(STUDIES) for api in apis]
    assert [answer.status_code for answer in answers] == ANSWERS[state][0]
    refused = [answer for answer in answers if answer.status_code >= 400]
    assert {answer["Content-Type"] for answer in refused} <= {"application/problem+json"}


@pytest.mark.parametrize("state", list(State))
def test_namespace__in_a_state__answers_browsers(
    alpha: Namespace, people: dict[str, Any], client_of: Any, state: State
) -> None:
    """By session, as pages."""
    browsers = [client_of(people[name], alpha) for name in PEOPLE]
    put(alpha, state)
    answers = [browser.get("/", headers={"accept": "text/html"}) for browser in browsers]
    assert [answer.status_code for answer in answers] == ANSWERS[state][1]
    assert {answer["Content-Type"] for answer in answers} == {"text/html; charset=utf-8"}


@pytest.mark.parametrize("state", [State.SUSPENDED, State.MAINTENANCE, State.ARCHIVED, State.DELETED])
def test_refusal__of_any_kind__is_not_kept(alpha: Namespace, state: State) -> None:
    """It may be over in a moment, and 404 and 410 may be cached by those who are not told otherwise."""
    put(alpha, state)
    answer = Client(headers={"host": host_of(alpha)}).get(STUDIES)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("state", CLOSED)
@pytest.mark.parametrize("path", ["/nothing/", "/api/v1/nothing/", "/admin/", "/api/v1/studies"])
def test_closed__any_address__answers_the_same(alpha: Namespace, path: str, state: State) -> None:
    """Whether there is such a page is not told either."""
    put(alpha, state)
    assert Client(headers={"host": host_of(alpha)}).get(path).status_code == 503


@pytest.mark.parametrize("state", CLOSED)
def test_closed__every_method__changes_nothing(alpha: Namespace, ana: Any, api_of: Any, state: State) -> None:
    """A write of a member is refused like a read."""
    api = api_of(ana, alpha)
    put(alpha, state)
    assert api.post(STUDIES, {"code": "new"}).status_code == 503
    with namespace_scope(alpha):
        assert not Study.objects.filter(code="new").exists()


def test_maintenance__with_a_notice__shows_it(alpha: Namespace, client_of: Any) -> None:
    """People read why and programs when."""
    act(life.begin_maintenance, alpha, notice="Moving <house>", lasts=timedelta(minutes=10))
    page = client_of(None, alpha).get("/", headers={"accept": "text/html"})
    assert b"Moving &lt;house&gt;" in page.content
    assert 590 <= int(page["Retry-After"]) <= 600


def test_maintenance__longer_than_said__asks_to_come_back_soon(alpha: Namespace, client_of: Any) -> None:
    """Retry-After is never less than a second."""
    put(alpha, State.MAINTENANCE, back_at=timezone.now() - timedelta(hours=1))
    assert client_of(None, alpha).get(STUDIES)["Retry-After"] == "1"


def test_style_sheets__of_a_closed_namespace__are_served(alpha: Namespace, client_of: Any) -> None:
    """They are the platform's, and staff needs them."""
    put(alpha, State.SUSPENDED)
    answer = client_of(None, alpha).get("/static/admin/css/base.css")
    assert (answer.status_code, b"".join(answer.streaming_content)[:2]) == (200, b"/*")
    answer.close()


# Logging in


def log_in(namespace: Namespace, name: str) -> Client:
    browser = Client(headers={"host": host_of(namespace)})
    browser.post("/admin/login/", {"username": email_of(name), "password": PASSWORD})
    return browser


@pytest.mark.parametrize("state", CLOSED)
def test_login__staff_that_is_a_member__passes(alpha: Namespace, people: Any, state: State) -> None:
    """Staff can get in while nobody else can."""
    put(alpha, state)
    assert log_in(alpha, "staff").get("/admin/").status_code == 200


@pytest.mark.parametrize("state", CLOSED)
def test_login__member__is_refused(alpha: Namespace, people: Any, state: State) -> None:
    """The form is there for staff."""
    put(alpha, state)
    browser = log_in(alpha, "ben")
    assert ("sessionid" in browser.cookies, browser.get("/admin/").status_code) == (False, 503)


@pytest.mark.parametrize("state", CLOSED)
@pytest.mark.parametrize(("name", "status"), [("staff", 201), ("ben", 401), ("ana", 401)])
def test_token__in_a_closed_namespace__is_for_staff(
    alpha: Namespace, people: Any, client_of: Any, state: State, name: str, status: int
) -> None:
    """The same over the API."""
    put(alpha, state)
    body = {"email": email_of(name), "password": PASSWORD}
    answer = client_of(None, alpha).post("/api/v1/token/", body, content_type="application/json")
    assert answer.status_code == status


@pytest.mark.parametrize("state", CLOSED)
def test_token__of_staff_in_another_namespace__passes_nowhere_else(
    alpha: Namespace, beta: Namespace, people: Any, state: State
) -> None:
    """To pass takes an identity on this very host."""
    _, secret = Token.issue(people["staff"], beta.pk)
    put(alpha, state)
    browser = Client(headers={"host": host_of(alpha), "authorization": f"Token {secret}"})
    assert browser.get("/").status_code == 503


def test_closed__where_nobody_says_who_is_staff__stays_closed(
    alpha: Namespace, people: Any, client_of: Any, settings: Any
) -> None:
    """A project without the middleware that knows lets nobody pass."""
    browser = client_of(people["staff"], alpha)
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "IdentityMiddleware" not in name]
    put(alpha, State.SUSPENDED)
    assert browser.get("/").status_code == 503


async def _ask(namespace: Namespace) -> int:
    answer = await AsyncBrowser(namespace).get("/")
    return int(answer.status_code)


def test_closed__asked_asynchronously__is_closed(committing: Any, alpha: Namespace) -> None:
    """The same under ASGI."""
    put(alpha, State.SUSPENDED)
    assert async_to_sync(_ask)(alpha) == 503


# Nothing leaks


@pytest.fixture
def secret(alpha: Namespace, ana: Any) -> str:
    """A row of alpha whose code stands nowhere else."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Study.objects.create(code="SECRET-7", title="SECRET-7")
    return "SECRET-7"


ROUTES = (
    "/", "/admin/", "/admin/research/study/", STUDIES, f"{STUDIES}?format=json", "/api/v1/", "/api/schema/",
    "/api/v1/operations/", "/api/v1/marks/", "/api/v1/grants/", "/api/v1/account/", "/api/docs/",
)  # fmt: skip


@pytest.mark.parametrize("state", [state for state in State if state != State.ACTIVE])
def test_rows__of_a_namespace_that_is_not_served__are_in_no_answer(
    alpha: Namespace, ana: Any, secret: str, api_of: Any, client_of: Any, state: State
) -> None:
    """Its owner gets none over any route, logged in before, with pages and caches warm."""
    api, browser = api_of(ana, alpha), client_of(ana, alpha)
    assert secret in browser.get(STUDIES).content.decode()
    put(alpha, state)
    for asker in (api, browser):
        answers = [asker.get(route) for route in ROUTES]
        assert not [answer for answer in answers if secret in answer.content.decode()]
        assert {answer.status_code for answer in answers} <= {404, 410, 503}


def test_requests__of_an_active_namespace__ask_no_more_than_before(
    alpha: Namespace, ana: Any, api_of: Callable[..., Any], django_assert_num_queries: Any
) -> None:
    """That staff may pass elsewhere costs nobody a query: host, token, membership, count, rows."""
    api = api_of(ana, alpha)
    api.get(STUDIES)
    with django_assert_num_queries(5):
        api.get(STUDIES)
