"""Messages of webhooks when the worker is killed, the receiver drips, or the name leads elsewhere."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from shared_apps.webhooks.models import Delivery, Webhook
from shared_apps.webhooks.tasks import deliver
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import newest_place
from smartmodels.transfer import clone_namespace
from smartmodels.transfer.importing import Wish
from smartmodels.webhooks import new_salt
from smartmodels.webhooks.sending import send
from tenant_apps.research.models import Study
from tests.support.receivers import Receiver, receiving
from tests.support.waiting import wait_until
from tests.support.workers import BRISK, Nursery

SETTINGS = {**BRISK, "SMARTMODELS_WEBHOOK_LOOPBACK": True}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on this machine."""
    with receiving() as found:
        yield found


@pytest.fixture
def nursery(committing: Any, tmp_path: Path) -> Iterator[Nursery]:
    """Starts workers on the test's database."""
    made = Nursery(tmp_path)
    yield made
    made.close()


def hook_of(namespace: Any, user: Any, url: str) -> Webhook:
    """A webhook from now on."""
    with namespace_scope(namespace):
        made = Webhook(namespace=namespace, url=url, salt=new_salt(), created_by_id=user.pk)
        made.place = newest_place()
    made.save(force_insert=True)
    return made


def test_worker__killed_between_sending_and_noting_it__sends_again(
    nursery: Nursery, alpha: Any, ana: Any, receiver: Receiver
) -> None:
    """Under the same id, so that the receiver knows; and nothing is lost."""
    hook = hook_of(alpha, ana, receiver.url())
    receiver.hold.clear()
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Study.objects.create(code="A")
        deliver.enqueue(key=str(hook.pk), webhook=str(hook.pk))
    with nursery.working(1, **SETTINGS) as (worker,):
        wait_until(lambda: len(receiver.got) == 1, "The first request", seconds=30)
        worker.send(signal.SIGKILL)
        worker.wait()
        assert Delivery.objects.get().state == "pending"
        receiver.hold.set()
        with nursery.working(1, **SETTINGS):
            wait_until(
                lambda: Delivery.objects.get().state == "delivered", "The message's arrival", seconds=40
            )
    assert len({message.id for message in receiver.got}) == 1 < len(receiver.got)
    assert [change["resource"] for change in json.loads(Delivery.objects.get().body)["data"]["changes"]] == [
        "studies"
    ]


def test_clone__of_a_namespace_with_webhooks__has_none(committing: Any, alpha: Any, ana: Any) -> None:
    """They stay with the namespace that they were made for."""
    hook_of(alpha, ana, "https://example.org/hook")
    with operation(actor=Actor.user(ana)):
        clone = clone_namespace(alpha, Wish(slug="gamma", owner=ana)).namespace
    assert [each.namespace_id for each in Webhook.objects.all()] == [alpha.pk] != [clone.pk]


@pytest.fixture
def dripping() -> Iterator[int]:
    """The port of a receiver that answers a byte now and then, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            taken, _ = server.accept()
            with taken:
                while not over.wait(0.05):
                    try:
                        taken.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


@override_settings(SMARTMODELS_WEBHOOK_LOOPBACK=True, SMARTMODELS_WEBHOOK_TIMEOUT=0.5)
def test_send__receiver_drips__is_given_up_in_time(dripping: int) -> None:
    """The limit is on the whole, not on each byte."""
    began = time.monotonic()
    answer = send(f"http://127.0.0.1:{dripping}/", b"{}", {})
    assert (answer.arrived, time.monotonic() - began < 3) == (False, True)


@override_settings(SMARTMODELS_WEBHOOK_LOOPBACK=True)
def test_send__large_answer__is_not_read_to_its_end(receiver: Receiver) -> None:
    """The status is what counts."""
    receiver.answers, receiver.size = [200], 5_000_000
    assert send(receiver.url(), b"{}", {}).status == 200


def test_send__connected_address__is_the_checked_one(receiver: Receiver, monkeypatch: Any) -> None:
    """A name that leads elsewhere when asked again is asked once."""
    asked = []

    def rebinding(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        first = asked.count("rebind.example") == 1
        address = host if host != "rebind.example" else "127.0.0.1" if first else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with override_settings(SMARTMODELS_WEBHOOK_LOOPBACK=True):
        answer = send(f"http://rebind.example:{receiver.port}/x", b"{}", {})
    assert (answer.status, asked.count("rebind.example")) == (204, 1)
    assert receiver.got[0].headers["host"] == f"rebind.example:{receiver.port}"
