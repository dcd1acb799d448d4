"""Webhooks tell a namespace what becomes of grants that are for it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from shared_apps.namespaces.models import Namespace
from shared_apps.webhooks.models import Delivery, Notice
from shared_apps.webhooks.tasks import collect, prune
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.jobs import run_waiting
from smartmodels.sharing import accept, change_terms, revoke, share
from smartmodels.tenancy import life
from tenant_apps.research.models import Study
from tests.support.lives import act
from tests.support.receivers import Receiver, receiving

WEBHOOKS = "/api/v1/webhooks/"


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
def api(api_of: Any, bea: Any, beta: Any) -> Any:
    """Bea, owner of beta, with whom rows are shared."""
    return api_of(bea, beta)


def subscribe(api: Any, receiver: Receiver, **wishes: Any) -> None:
    """Have the namespace's webhook sent there."""
    answer = api.post(WEBHOOKS, {"url": receiver.url(), **wishes})
    assert answer.status_code == 201, answer.content


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made: Study = Study.objects.create(code="A", title="secret plan")
    return made


def offered(study: Study, alpha: Any, ana: Any, beta: Any, **terms: Any) -> Any:
    """Ana's offer."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        return share(study, beta, **terms)


def work() -> None:
    """What workers do: look for what is due, and deliver it."""
    collect()
    run_waiting("default")


def told(receiver: Receiver) -> list[tuple[str, list[str]]]:
    """The types of messages that arrived, and what the grants in them became."""
    bodies = [json.loads(message.body) for message in receiver.got]
    return [(body["type"], [each["status"] for each in body["data"]["grants"]]) for body in bodies]


def test_offer__made__is_told_to_the_target(
    study: Study, alpha: Any, ana: Any, beta: Any, api: Any, receiver: Receiver
) -> None:
    """Which row of whom, on what terms; no values of the row."""
    subscribe(api, receiver)
    grant = offered(study, alpha, ana, beta, role="edit")
    work()
    (message,) = receiver.got
    body = json.loads(message.body)
    assert (body["type"], body["namespace"], body["data"]["changes"]) == ("grant.offered", "beta", [])
    (entry,) = body["data"]["grants"]
    assert {name: entry[name] for name in ("grant", "resource", "id", "home", "role", "status")} == {
        "grant": str(grant.pk), "resource": "studies", "id": str(study.pk), "home": "alpha", "role": "edit",
        "status": "pending",
    }  # fmt: skip
    assert b"secret plan" not in message.body


def test_grant__from_offer_to_revoke__is_told_in_order(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api: Any, receiver: Receiver
) -> None:
    """One message for each kind of step, whoever took it."""
    subscribe(api, receiver)
    grant = offered(study, alpha, ana, beta)
    with operation(actor=Actor.user(bea)):
        accept(grant)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        change_terms(grant, role="edit")
        revoke(grant)
    work()
    assert [kind for kind, _ in told(receiver)] == [
        "grant.offered", "grant.accepted", "grant.changed", "grant.revoked",
    ]  # fmt: skip


def test_home__deleted_and_purged__is_told_to_its_targets(
    study: Study, alpha: Any, beta: Any, api: Any, receiver: Receiver
) -> None:
    """What was shared sleeps, with the state of the home beside it, and then ends."""
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        share(study, beta)
    subscribe(api, receiver)
    act(life.delete, alpha)
    work()
    entry = json.loads(receiver.got[0].body)["data"]["grants"][0]
    assert (entry["action"], entry["home"], entry["home_state"]) == ("grant.suspended", "alpha", "deleted")
    act(life.purge, alpha, now=True)
    work()
    entry = json.loads(receiver.got[1].body)["data"]["grants"][0]
    assert (entry["action"], entry["home"], entry["home_state"]) == ("grant.revoked", "alpha", None)


def test_grants__many_at_once__come_in_one_message(
    alpha: Any, ana: Any, beta: Any, api: Any, receiver: Receiver
) -> None:
    """A home that shares a hundred rows does not send a hundred messages."""
    subscribe(api, receiver)
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        for number in range(5):
            share(Study.objects.create(code=f"A{number}"), beta)
    work()
    assert told(receiver) == [("grant.given", ["active"] * 5)]


def test_offer__rolled_back__is_not_told(
    study: Study, alpha: Any, ana: Any, beta: Any, api: Any, receiver: Receiver
) -> None:
    """What is to be told is written by the transaction that does it."""
    subscribe(api, receiver)
    with transaction.atomic():
        offered(study, alpha, ana, beta)
        assert Notice.objects.count() == 1
        transaction.set_rollback(True)
    work()
    assert (receiver.got, Notice.objects.count()) == ([], 0)


def test_grant__of_others__is_told_to_nobody_else(
    study: Study, alpha: Any, ana: Any, beta: Any, api_of: Any, receiver: Receiver
) -> None:
    """The home knows what it does; a third namespace is not to know."""
    subscribe(api_of(ana, alpha), receiver, resources=["specimens"])
    offered(study, alpha, ana, beta)
    offered(study, alpha, ana, "nobody")
    work()
    assert (receiver.got, Notice.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("wishes", "kinds"),
    [({"resources": ["specimens"]}, []), ({"resources": ["studies"]}, ["grant.offered", "grant.revoked"]),
     ({"actions": ["create"]}, []), ({"actions": ["grant.revoked"]}, ["grant.revoked"])],
)  # fmt: skip
def test_webhook__narrowed__tells_what_was_asked_for(
    wishes: Any, kinds: list[str], study: Study, alpha: Any, ana: Any, beta: Any, api: Any, receiver: Receiver
) -> None:
    """By the kind of row and by what happened; the rest is not kept."""
    subscribe(api, receiver, **wishes)
    grant = offered(study, alpha, ana, beta)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        revoke(grant)
    work()
    assert ([kind for kind, _ in told(receiver)], Notice.objects.count()) == (kinds, 0)


def test_message__not_delivered__is_sent_again_before_what_is_newer(
    study: Study, alpha: Any, ana: Any, beta: Any, api: Any, receiver: Receiver
) -> None:
    """Under its id; a target that is away learns of everything once it is back."""
    subscribe(api, receiver)
    receiver.answers = [500]
    grant = offered(study, alpha, ana, beta)
    work()
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        revoke(grant)
    Delivery.objects.update(due_at=timezone.now())
    work()
    assert [kind for kind, _ in told(receiver)] == ["grant.offered", "grant.offered", "grant.revoked"]
    assert receiver.got[0].id == receiver.got[1].id


def test_prune__notices_that_nobody_takes__are_forgotten(
    study: Study, alpha: Any, ana: Any, beta: Any, api: Any, receiver: Receiver
) -> None:
    """Of a webhook that is switched off."""
    subscribe(api, receiver, active=False)
    offered(study, alpha, ana, beta)
    prune()
    kept = Notice.objects.count()
    Notice.objects.update(created_at="2020-01-01T00:00:00Z")
    prune()
    assert (kept, Notice.objects.count()) == (1, 0)


def test_target__purged__takes_its_notices_along(
    study: Study, alpha: Any, ana: Any, beta: Any, api: Any, receiver: Receiver
) -> None:
    """Nothing is left of a namespace that is gone."""
    subscribe(api, receiver)
    offered(study, alpha, ana, beta)
    act(life.delete, beta)
    act(life.purge, beta, now=True)
    assert (Namespace.objects.filter(slug="beta").exists(), Notice.objects.count()) == (False, 0)
