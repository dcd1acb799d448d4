"""Applications and webhooks in the namespace's admin: for its managers, and those of the namespace alone."""

from typing import Any

import pytest

from shared_apps.oauth.models import Application
from shared_apps.oauth.services import register_application
from shared_apps.webhooks.models import Delivery, Webhook
from shared_apps.webhooks.services import make_webhook
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.webhooks import secret_of

APPLICATIONS, WEBHOOKS = "/admin/applications/", "/admin/webhooks/"
NEW = {"name": "Reader", "scopes": "read", "grant": "client-credentials", "role": "viewer"}
URL = "https://receiver.example.org/in"


def application_of(namespace: Any, person: Any) -> Application:
    with namespace_scope(namespace), operation(actor=Actor.user(person)):
        made, _ = register_application(
            namespace, person, name="Theirs", scopes=["read"], grant="client-credentials"
        )
    return made


def webhook_of(namespace: Any, person: Any) -> Webhook:
    """A webhook with one message."""
    with namespace_scope(namespace), operation(actor=Actor.user(person)):
        made = make_webhook(namespace, {"url": URL})
        Delivery.objects.create(
            webhook=made, body='{"type": "changes"}', changes=1, state="failed", attempts=8
        )
    return made


@pytest.fixture
def ana_s(client_of: Any, ana: Any, alpha: Any) -> Any:
    return client_of(ana, alpha)


@pytest.fixture
def mine(alpha: Any, ana: Any) -> Webhook:
    return webhook_of(alpha, ana)


@pytest.fixture
def theirs(beta: Any, bea: Any) -> Webhook:
    return webhook_of(beta, bea)


def page(webhook: Webhook) -> str:
    return f"{WEBHOOKS}{webhook.pk}/"


def message(webhook: Webhook) -> Delivery:
    found: Delivery = webhook.deliveries.get()
    return found


@pytest.mark.parametrize("path", [APPLICATIONS, WEBHOOKS])
@pytest.mark.parametrize(("name", "status"), [("ana", 200), ("ben", 403), ("vic", 403)])
def test_page__by_role__is_for_managers(
    client_of: Any, request: pytest.FixtureRequest, alpha: Any, path: str, name: str, status: int
) -> None:
    """Members and viewers read no page of theirs."""
    assert client_of(request.getfixturevalue(name), alpha).get(path).status_code == status


def test_index__names_the_pages(ana_s: Any) -> None:
    """Where a manager finds them."""
    content = ana_s.get("/admin/").content.decode()
    assert all(path in content for path in (APPLICATIONS, WEBHOOKS))


def test_application__registered__shows_its_secret_once(ana_s: Any, alpha: Any) -> None:
    """The answer shows it, no page afterwards."""
    answer = ana_s.post(APPLICATIONS, NEW)
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert secret not in ana_s.get(APPLICATIONS).content.decode()
    assert Application.all_objects.get().namespace_id == alpha.pk


@pytest.mark.parametrize(
    "wrong",
    [{"scopes": "nothing:read"}, {"name": ""}, {"name": "a\x00"}, {"grant": "x"}, {"role": "owner"},
     {"grant": "authorization-code", "redirect_uris": "javascript:x"}, {"public": "on"}],
)  # fmt: skip
def test_application__makes_no_sense__is_refused(ana_s: Any, wrong: dict[str, str]) -> None:
    """The form says why, and nothing is registered."""
    answer = ana_s.post(APPLICATIONS, NEW | wrong)
    assert (answer.status_code, Application.all_objects.count()) == (400, 0)


def test_application__no_address__says_what_one_is_for(ana_s: Any) -> None:
    """In words, and not by the names of fields and grants."""
    answer = ana_s.post(APPLICATIONS, NEW | {"grant": "authorization-code", "redirect_uris": ""})
    assert "name one at least" in answer.content.decode()


def test_application__of_another_namespace__is_neither_shown_nor_removed(
    ana_s: Any, beta: Any, bea: Any
) -> None:
    """It is not there."""
    other = application_of(beta, bea)
    assert other.client_id not in ana_s.get(APPLICATIONS).content.decode()
    path = f"{APPLICATIONS}{other.client_id}/remove/"
    assert (ana_s.get(path).status_code, ana_s.post(path).status_code) == (404, 404)
    assert Application.all_objects.count() == 1


@pytest.fixture
def removal(alpha: Any, ana: Any) -> str:
    """The page that asks whether an application is to be removed."""
    return f"{APPLICATIONS}{application_of(alpha, ana).client_id}/remove/"


def test_application__to_be_removed__is_asked_about_first(ana_s: Any, removal: str) -> None:
    """The list leads to a page that names it, and changes nothing."""
    listed, asked = ana_s.get(APPLICATIONS).content.decode(), ana_s.get(removal).content.decode()
    assert (removal in listed, "Theirs" in asked, Application.all_objects.count()) == (True, True, 1)


def test_application__removed__is_gone(ana_s: Any, removal: str) -> None:
    """By the button of that page."""
    assert (ana_s.post(removal).status_code, Application.all_objects.count()) == (302, 0)


@pytest.mark.parametrize("method", ["get", "post"])
def test_removal__asked_by_a_member__is_refused(
    client_of: Any, ben: Any, alpha: Any, mine: Webhook, removal: str, method: str
) -> None:
    """Managers alone remove programs."""
    asked = (removal, f"{page(mine)}remove/")
    assert {getattr(client_of(ben, alpha), method)(path).status_code for path in asked} == {403}
    assert (Application.all_objects.count(), Webhook.objects.count()) == (1, 1)


def test_webhook__made__shows_its_secret_once(ana_s: Any, alpha: Any) -> None:
    """The answer shows it, no page afterwards."""
    answer = ana_s.post(WEBHOOKS, {"url": URL, "resources": "studies", "active": "on"})
    made = Webhook.objects.get()
    assert secret_of(made) in answer.content.decode()
    seen = ana_s.get(WEBHOOKS).content.decode() + ana_s.get(page(made)).content.decode()
    assert (secret_of(made) in seen, made.resources, made.namespace_id) == (False, ["studies"], alpha.pk)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://x.example/"},
        {"url": "https://user@x.example/"},
        {"resources": "nothing"},
        {"url": "a\x00"},
    ],
)
def test_webhook__makes_no_sense__is_refused(ana_s: Any, wrong: dict[str, str]) -> None:
    """By the rules of the API."""
    answer = ana_s.post(WEBHOOKS, {"url": URL} | wrong)
    assert (answer.status_code, Webhook.objects.count()) == (400, 0)


def test_webhook__switched_on_again__forgets_why_it_was_off(ana_s: Any, mine: Webhook) -> None:
    """As over the API."""
    Webhook.objects.update(active=False, disabled_because="Three failed.", failures=3)
    ana_s.post(page(mine), {"do": "save", "url": URL, "active": "on"})
    mine.refresh_from_db()
    assert (mine.active, mine.disabled_because, mine.failures) == (True, "", 0)


def test_webhook__new_secret__is_shown_once(ana_s: Any, mine: Webhook) -> None:
    """The former one is not shown."""
    former = secret_of(mine)
    content = ana_s.post(page(mine), {"do": "rotate"}).content.decode()
    mine.refresh_from_db()
    assert (secret_of(mine) in content, former in content) == (True, False)


def test_webhook__to_be_removed__is_asked_about_first(ana_s: Any, mine: Webhook) -> None:
    """With what waits to be sent, and nothing changes."""
    Delivery.objects.update(state="pending")
    content = ana_s.get(f"{page(mine)}remove/").content.decode()
    assert (URL in content, "nor 1 message that waits" in content, Webhook.objects.count()) == (True, True, 1)


def test_webhook__removed__is_gone(ana_s: Any, mine: Webhook) -> None:
    """With its messages."""
    answer = ana_s.post(f"{page(mine)}remove/")
    assert (answer.status_code, Webhook.objects.count(), Delivery.objects.count()) == (302, 0, 0)


def test_message__sent_again__waits(ana_s: Any, mine: Webhook) -> None:
    """Under its id, with all attempts before it."""
    answer = ana_s.post(page(mine), {"do": "replay", "delivery": message(mine).pk})
    assert (answer.status_code, message(mine).state, message(mine).attempts) == (302, "pending", 0)


def test_message__webhook_switched_off__is_refused(ana_s: Any, mine: Webhook) -> None:
    """A page says what to do first."""
    Webhook.objects.update(active=False)
    answer = ana_s.post(page(mine), {"do": "replay", "delivery": message(mine).pk})
    assert (answer.status_code, message(mine).state) == (409, "failed")


def test_webhook__of_another_namespace__is_not_removed(ana_s: Any, theirs: Webhook) -> None:
    """Nor asked about."""
    path = f"{page(theirs)}remove/"
    assert (ana_s.get(path).status_code, ana_s.post(path).status_code) == (404, 404)
    assert Webhook.objects.count() == 1


@pytest.mark.parametrize("do", ["save", "rotate", "replay", "x"])
def test_webhook__of_another_namespace__is_not_there(ana_s: Any, theirs: Webhook, do: str) -> None:
    """Whatever is asked of it."""
    sent = {"do": do, "url": URL, "delivery": message(theirs).pk}
    before = Webhook.objects.values().get()
    assert (ana_s.post(page(theirs), sent).status_code, Webhook.objects.values().get()) == (404, before)


def test_message__of_another_webhook__is_not_there(ana_s: Any, mine: Webhook, theirs: Webhook) -> None:
    """Neither read nor sent again through a webhook that is there."""
    other = message(theirs)
    read = ana_s.get(f"{page(mine)}messages/{other.pk}/").status_code
    sent = ana_s.post(page(mine), {"do": "replay", "delivery": other.pk}).status_code
    assert (read, sent, message(theirs).state) == (404, 404, "failed")


def test_message__read__shows_what_was_sent(ana_s: Any, mine: Webhook) -> None:
    """As it stands."""
    content = ana_s.get(f"{page(mine)}messages/{message(mine).pk}/").content.decode()
    assert "&quot;type&quot;: &quot;changes&quot;" in content


@pytest.mark.parametrize("key", ["x", "00000000-0000-0000-0000-000000000000", "%00"])
def test_webhook__key_of_nothing__is_not_there(ana_s: Any, mine: Webhook, key: str) -> None:
    """A page that says so, and no failure."""
    asked = [f"{WEBHOOKS}{key}/", f"{WEBHOOKS}{key}/remove/", f"{page(mine)}messages/{key}/"]
    asked.append(f"{APPLICATIONS}{key}/remove/")
    assert {ana_s.get(path).status_code for path in asked} <= {400, 404}
