"""Webhooks: who may have one, what is sent where, how it is signed, and what if it does not arrive."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import override_settings
from django.utils import timezone

from shared_apps.webhooks.models import Delivery, Webhook
from shared_apps.webhooks.tasks import collect, deliver, prune
from smartmodels.context import namespace_scope
from smartmodels.history import Place
from smartmodels.jobs import run_waiting
from smartmodels.webhooks.delivering import WAITS
from tests.support.receivers import Receiver, receiving

WEBHOOKS, STUDIES = "/api/v1/webhooks/", "/api/v1/studies/"


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with override_settings(SMARTMODELS_WEBHOOK_LOOPBACK=True, SMARTMODELS_WEBHOOK_TIMEOUT=1.0):
        yield


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on this machine."""
    with receiving() as found:
        yield found


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha."""
    return api_of(ana, alpha)


def subscribe(api: Any, url: str, **wishes: Any) -> dict[str, Any]:
    answer = api.post(WEBHOOKS, {"url": url, **wishes})
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
def hook(api: Any, receiver: Receiver) -> dict[str, Any]:
    """A webhook of alpha for everything."""
    return subscribe(api, receiver.url())


def work() -> None:
    """What workers do: look for what is due, and deliver it."""
    collect()
    run_waiting("default")


def hurry() -> None:
    """Let the time until the next attempt be over."""
    Delivery.objects.update(due_at=timezone.now())


def address(hook: dict[str, Any], *parts: str) -> str:
    return "/".join((WEBHOOKS + hook["id"], *parts)) + "/"


# What is sent


def test_webhook__something_changes__is_sent(api: Any, hook: Any, receiver: Receiver) -> None:
    """Which row of which endpoint; no values."""
    made = api.post(STUDIES, {"code": "PAL0708", "title": "secret plan"}).json()
    work()
    (message,) = receiver.got
    body = json.loads(message.body)
    assert (message.path, body["type"], body["namespace"]) == ("/hook", "changes", "alpha")
    (change,) = message.changes
    assert (change["resource"], change["id"], change["action"]) == ("studies", made["id"], "create")
    assert b"secret plan" not in message.body


def test_webhook__nothing_changes__sends_nothing(api: Any, receiver: Receiver) -> None:
    """Nor what was before it."""
    api.post(STUDIES, {"code": "PAL0708"})
    subscribe(api, receiver.url())
    work()
    work()
    assert (receiver.got, Delivery.objects.count()) == ([], 0)


def test_webhook__delivered__is_sent_once(api: Any, hook: Any, receiver: Receiver) -> None:
    """However often workers look."""
    api.post(STUDIES, {"code": "PAL0708"})
    for _ in range(3):
        work()
    assert len(receiver.got) == 1


def test_webhook__many_changes__come_in_order(api: Any, hook: Any, receiver: Receiver) -> None:
    """Several in one message."""
    address_of = f"{STUDIES}{api.post(STUDIES, {'code': 'A'}).json()['id']}/"
    for title in ("a", "b", "c"):
        api.patch(address_of, {"title": title})
    work()
    found = [change["version"] for message in receiver.got for change in message.changes]
    assert (len(found), found) == (4, sorted(found))


def test_webhook__narrowed__sends_what_was_asked_for(api: Any, receiver: Receiver) -> None:
    """By resource and action."""
    subscribe(api, receiver.url(), resources=["studies"], actions=["soft_delete"])
    study = api.post(STUDIES, {"code": "A"}).json()
    api.delete(f"{STUDIES}{study['id']}/")
    work()
    assert [change["action"] for message in receiver.got for change in message.changes] == ["soft_delete"]


def test_webhook__of_another_namespace__learns_nothing(
    api: Any, api_of: Any, bea: Any, beta: Any, hook: Any, receiver: Receiver
) -> None:
    """Each belongs to one."""
    api_of(bea, beta).post(STUDIES, {"code": "B"})
    work()
    assert receiver.got == []


@pytest.mark.parametrize("state", ["suspended", "deleted", "maintenance", "archived"])
def test_webhook__namespace_not_served__sends_nothing(
    api: Any, alpha: Any, hook: Any, receiver: Receiver, state: str
) -> None:
    """Neither what is new nor what was tried before."""
    receiver.answers = [500]
    api.post(STUDIES, {"code": "A"})
    work()
    hurry()
    type(alpha).objects.filter(pk=alpha.pk).update(state=state)
    work()
    assert len(receiver.got) == 1


def test_deliver__namespace_suspended_a_moment_ago__sends_nothing(
    api: Any, alpha: Any, hook: Any, receiver: Receiver
) -> None:
    """Also when the job was begun before."""
    api.post(STUDIES, {"code": "A"})
    type(alpha).objects.filter(pk=alpha.pk).update(state="suspended")
    with namespace_scope(alpha):
        assert deliver(hook["id"]) == 0
    assert receiver.got == []


def test_webhook__history_was_replaced__says_so(api: Any, alpha: Any, hook: Any, receiver: Receiver) -> None:
    """After a restore the receiver is told to read everything anew, and the webhook goes on from there."""
    Webhook.objects.update(position=10_000)
    api.post(STUDIES, {"code": "A"})
    work()
    api.post(STUDIES, {"code": "B"})
    work()
    assert [json.loads(message.body)["type"] for message in receiver.got] == ["changes.reset", "changes"]


# Signatures


def signature(secret: str, message: Any) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{message.id}.{message.headers['webhook-timestamp']}.".encode() + message.body
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def test_signature__of_the_secret__is_that_of_the_message(api: Any, hook: Any, receiver: Receiver) -> None:
    """As Standard Webhooks says: over id, time and body."""
    api.post(STUDIES, {"code": "A"})
    work()
    assert receiver.got[0].headers["webhook-signature"] == signature(hook["secret"], receiver.got[0])
    assert abs(int(receiver.got[0].headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60


def test_secret__after_creation__is_not_shown(api: Any, hook: Any) -> None:
    """Nor does the database hold it."""
    for path in (WEBHOOKS, address(hook)):
        assert hook["secret"] not in api.get(path).content.decode()
    kept = Webhook.objects.values().get()
    assert base64.b64decode(hook["secret"].removeprefix("whsec_")) not in [bytes(kept["salt"]), kept["chain"]]


def test_rotate__for_a_day__both_secrets_are_good(api: Any, hook: Any, receiver: Receiver) -> None:
    """Then the new one alone."""
    new = api.post(address(hook, "rotate")).json()["secret"]
    api.post(STUDIES, {"code": "A"})
    work()
    both = receiver.got[0].headers["webhook-signature"].split()
    assert both == [signature(new, receiver.got[0]), signature(hook["secret"], receiver.got[0])]
    Webhook.objects.update(former_until=timezone.now())
    api.post(STUDIES, {"code": "B"})
    work()
    assert receiver.got[1].headers["webhook-signature"] == signature(new, receiver.got[1])


def test_signature__site_key_replaced__the_former_one_is_good_too(
    api: Any, hook: Any, receiver: Receiver, settings: Any
) -> None:
    """For as long as it stands in SECRET_KEY_FALLBACKS."""
    api.post(STUDIES, {"code": "A"})
    with override_settings(SECRET_KEY="x" * 50, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        work()
    assert signature(hook["secret"], receiver.got[0]) in receiver.got[0].headers["webhook-signature"].split()


# What does not arrive


def test_delivery__refused__is_tried_again_under_the_same_id(api: Any, hook: Any, receiver: Receiver) -> None:
    """Later; and what comes after it waits."""
    receiver.answers = [500]
    api.post(STUDIES, {"code": "A"})
    work()
    api.post(STUDIES, {"code": "B"})
    work()
    assert len(receiver.got) == 1
    hurry()
    work()
    first, again, second = receiver.got
    assert (first.id, first.body) == (again.id, again.body) != (second.id, second.body)


def test_delivery__refused__waits_longer_each_time(api: Any, hook: Any, receiver: Receiver) -> None:
    """At least as long as the table says."""
    receiver.answers = [500] * 3
    api.post(STUDIES, {"code": "A"})
    for number in range(3):
        began = timezone.now()
        work()
        message = Delivery.objects.get()
        wait = (message.due_at - began).total_seconds()
        assert WAITS[number] <= wait <= WAITS[number] * 1.2 + 5
        hurry()
    assert (message.attempts, message.status, message.state) == (3, 500, "pending")


def fail_for_good(api: Any, number: int) -> None:
    api.post(STUDIES, {"code": f"F{number}"})
    work()
    Delivery.objects.filter(state="pending").update(attempts=len(WAITS), due_at=timezone.now())
    work()


def test_webhook__nothing_arrives__is_switched_off(api: Any, hook: Any, receiver: Receiver) -> None:
    """After three messages; made active again it goes on with what came meanwhile."""
    receiver.answers = [500] * 6
    for number in range(3):
        fail_for_good(api, number)
    shown = api.get(address(hook)).json()
    assert (shown["active"], shown["failures"]) == (False, 3)
    assert "3 messages" in shown["disabled_because"]
    api.post(STUDIES, {"code": "later"})
    work()
    assert len(receiver.got) == 6
    assert api.patch(address(hook), {"active": True}).json()["disabled_because"] == ""
    work()
    assert len(receiver.got) == 7


def test_webhook__receiver_says_gone__is_switched_off(api: Any, hook: Any, receiver: Receiver) -> None:
    """At once."""
    receiver.answers = [410]
    api.post(STUDIES, {"code": "A"})
    work()
    assert api.get(address(hook)).json()["active"] is False


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_delivery__redirected__is_not_followed(api: Any, hook: Any, receiver: Receiver, status: int) -> None:
    """It counts as not delivered."""
    receiver.answers = [status]
    api.post(STUDIES, {"code": "A"})
    work()
    assert [message.path for message in receiver.got] == ["/hook"]
    assert (Delivery.objects.get().status, Delivery.objects.get().state) == (status, "pending")


def test_delivery__receiver_does_not_answer__is_given_up_in_time(
    api: Any, hook: Any, receiver: Receiver
) -> None:
    """And tried again."""
    receiver.hold.clear()
    api.post(STUDIES, {"code": "A"})
    work()
    message = Delivery.objects.get()
    assert (message.status, message.state, message.seconds < 5) == (None, "pending", True)


def test_delivery__nobody_listens__says_so(api: Any) -> None:
    """In its record."""
    hook = subscribe(api, "http://127.0.0.1:9/hook")
    api.post(STUDIES, {"code": "A"})
    work()
    (shown,) = api.get(address(hook, "deliveries")).json()["results"]
    assert (shown["state"], shown["attempts"], shown["status"]) == ("pending", 1, None)
    assert "refused" in shown["error"]


# Deliveries


def test_deliveries__listed__tell_what_became_of_them(api: Any, hook: Any, receiver: Receiver) -> None:
    """With the id that the receiver knows, and what was sent."""
    api.post(STUDIES, {"code": "A"})
    work()
    (shown,) = api.get(address(hook, "deliveries")).json()["results"]
    assert (shown["state"], shown["status"], shown["message"]) == ("delivered", 204, receiver.got[0].id)
    one = api.get(address(hook, "deliveries", shown["id"])).json()
    assert one["body"].encode() == receiver.got[0].body


def test_replay__delivered__is_sent_again(api: Any, hook: Any, receiver: Receiver) -> None:
    """The same message under the same id, signed anew."""
    api.post(STUDIES, {"code": "A"})
    work()
    delivery = Delivery.objects.get()
    answer = api.post(address(hook, "deliveries", str(delivery.pk), "replay"))
    run_waiting("default")
    first, again = receiver.got
    assert (answer.status_code, again.id, again.body) == (202, first.id, first.body)


def test_replay__webhook_switched_off__is_a_conflict(api: Any, hook: Any, receiver: Receiver) -> None:
    """It says how to go on."""
    api.post(STUDIES, {"code": "A"})
    work()
    api.patch(address(hook), {"active": False})
    answer = api.post(address(hook, "deliveries", str(Delivery.objects.get().pk), "replay"))
    assert (answer.status_code, answer.json()["code"]) == (409, "webhook-inactive")


def test_prune__old_deliveries__are_forgotten(api: Any, hook: Any, receiver: Receiver) -> None:
    """Those that wait are not."""
    api.post(STUDIES, {"code": "A"})
    work()
    receiver.answers = [500]
    api.post(STUDIES, {"code": "B"})
    work()
    Delivery.objects.update(created_at=F("created_at") - timedelta(days=31))
    prune()
    assert [each.state for each in Delivery.objects.all()] == ["pending"]


# Who


@pytest.mark.parametrize("who", ["ben", "vic", "bea"])
def test_webhooks__no_manager__is_refused(
    request: Any, api_of: Any, alpha: Any, hook: Any, who: str, receiver: Receiver
) -> None:
    """Reading as well: where changes go is the managers' business."""
    api = api_of(request.getfixturevalue(who), alpha)
    answers = [
        api.get(WEBHOOKS), api.post(WEBHOOKS, {"url": receiver.url()}), api.get(address(hook)),
        api.patch(address(hook), {"active": False}), api.delete(address(hook)),
        api.post(address(hook, "rotate")), api.get(address(hook, "deliveries")),
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} <= {401, 403}


def test_webhooks__of_another_namespace__are_not_there(
    api: Any, api_of: Any, bea: Any, beta: Any, hook: Any, receiver: Receiver
) -> None:
    """404, whatever is done."""
    api.post(STUDIES, {"code": "A"})
    work()
    other, delivery = api_of(bea, beta), str(Delivery.objects.get().pk)
    mine = subscribe(other, receiver.url())
    answers = [
        other.get(address(hook)), other.patch(address(hook), {}), other.delete(address(hook)),
        other.post(address(hook, "rotate")), other.get(address(hook, "deliveries")),
        other.get(address(hook, "deliveries", delivery)), other.get(address(mine, "deliveries", delivery)),
        other.post(address(mine, "deliveries", delivery, "replay")),
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {404}
    assert [each["id"] for each in other.get(WEBHOOKS).json()["results"]] == [mine["id"]]


def test_webhooks__more_than_allowed__are_refused(api: Any, receiver: Receiver) -> None:
    """409, with the way out."""
    with override_settings(SMARTMODELS_WEBHOOKS_MAX=1):
        subscribe(api, receiver.url())
        assert api.post(WEBHOOKS, {"url": receiver.url()}).json()["code"] == "too-many-webhooks"


def test_webhook__removed__takes_its_deliveries_along(api: Any, hook: Any, receiver: Receiver) -> None:
    """Nothing is sent any more."""
    receiver.answers = [500]
    api.post(STUDIES, {"code": "A"})
    work()
    assert api.delete(address(hook)).status_code == 204
    work()
    assert (Delivery.objects.count(), len(receiver.got)) == (0, 1)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"url": "ftp://example.org"}, {"url": "https://"}, {"url": "https://a:b@example.org/"},
        {"url": "https://exa mple.org/"}, {"url": "https://example.org:99999/"},
        {"url": "https://example.org/#x"}, {"url": "https://example.org/", "resources": ["tags"]},
        {"url": "https://example.org/", "namespace": "beta"},
        {"url": "https://example.org/", "secret": "x"}, {"url": "https://example.org/", "position": 1},
        {"url": "https://" + "a" * 2000},
    ],
)  # fmt: skip
def test_create__malformed__is_refused(api: Any, body: dict[str, Any]) -> None:
    """400; nothing of the platform's own can be set."""
    assert api.post(WEBHOOKS, body).status_code == 400


def test_webhook__place__is_kept_exactly(hook: Any, alpha: Any) -> None:
    """As the feed reads on from it."""
    webhook = Webhook.objects.get()
    webhook.place = Place(5, b"12345678", 7)
    webhook.save()
    assert Webhook.objects.get().place == Place(5, b"12345678", 7)


def test_collect__nothing_due__takes_few_queries(
    alpha: Any, hook: Any, django_assert_max_num_queries: Any
) -> None:
    """Two, and one for each webhook."""
    with django_assert_max_num_queries(3):
        assert collect() == 0
