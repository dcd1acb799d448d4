"""Every request is an operation of its own, and so is every command."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import path

from smartmodels.context import Actor, current_operation, namespace_scope, operation
from smartmodels.history import timeline
from tenant_apps.research.models import Study
from tests.support.clients import AsyncBrowser
from tests.support.processes import manage


def said() -> list[str | None]:
    """Id, kind and label of what is open here."""
    opened = current_operation()
    return [] if opened is None else [str(opened.id), opened.actor.kind, opened.actor.label]


def seen(request: HttpRequest) -> JsonResponse:
    """What a synchronous view sees."""
    return JsonResponse(said(), safe=False)


async def seen_async(request: HttpRequest) -> JsonResponse:
    """What an asynchronous view sees, and the synchronous code that it calls."""
    return JsonResponse([*said(), await sync_to_async(said)()], safe=False)


def lines(request: HttpRequest) -> StreamingHttpResponse:
    """What is seen by a stream, which is made after the view returned."""

    def chunks() -> Iterator[str]:
        for _ in range(2):
            yield f"{json.dumps(said())}\n"

    return StreamingHttpResponse(chunks())


async def lines_async(request: HttpRequest) -> StreamingHttpResponse:
    """The same in an asynchronous stream."""

    async def chunks() -> AsyncIterator[str]:
        for _ in range(2):
            yield f"{json.dumps(said())}\n"

    return StreamingHttpResponse(chunks())


urlpatterns = [
    path("seen/", seen),
    path("seen-async/", seen_async),
    path("lines/", lines),
    path("lines-async/", lines_async),
]


@pytest.fixture(autouse=True)
def _views(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.mark.parametrize("address", ["/seen/", "/seen-async/"])
def test_request__of_a_member__is_an_operation_of_theirs(
    client_of: Any, ana: Any, alpha: Any, address: str
) -> None:
    """Whatever kind of view answers it."""
    _, kind, label, *_ = client_of(ana, alpha).get(address).json()
    assert (kind, label) == ("user", ana.email)


@pytest.mark.parametrize("address", ["/seen/", "/seen-async/"])
def test_requests__one_after_the_other__are_different_operations(
    client_of: Any, ana: Any, alpha: Any, address: str
) -> None:
    """Each can be undone alone."""
    client = client_of(ana, alpha)
    assert client.get(address).json()[0] != client.get(address).json()[0]


def test_async_view__that_calls_synchronous_code__is_one_operation(
    client_of: Any, ana: Any, alpha: Any
) -> None:
    """On both sides of sync_to_async."""
    *outside, inside = client_of(ana, alpha).get("/seen-async/").json()
    assert outside == inside


def test_request__of_nobody_known__is_an_operation_of_an_anonymous_actor(client_of: Any, alpha: Any) -> None:
    """Not of the system, which may see and do everything."""
    assert client_of(None, alpha).get("/seen/").json()[1:] == ["anonymous", "anonymous"]


@pytest.mark.parametrize("address", ["/seen/", "/seen-async/"])
def test_request__under_asgi__is_an_operation(alpha: Any, address: str) -> None:
    """Through the asynchronous handler and its middleware."""

    async def ask() -> Any:
        return await AsyncBrowser(alpha).get(address)

    assert async_to_sync(ask)().json()[1:3] == ["anonymous", "anonymous"]


def test_request__inside_an_operation__does_not_take_it_over(client_of: Any, ana: Any, alpha: Any) -> None:
    """A server that runs in a command's process answers in nobody's name but the caller's."""
    client = client_of(ana, alpha)
    with operation(actor=Actor.command("serve")) as outer:
        number, kind, _ = client.get("/seen/").json()
    assert (number != str(outer.id), kind) == (True, "user")


def test_request__when_it_is_over__leaves_no_operation_open(client_of: Any, ana: Any, alpha: Any) -> None:
    """Nothing stays behind in the thread."""
    client_of(ana, alpha).get("/seen/")
    assert current_operation() is None


def test_stream__of_a_request__goes_on_in_its_operation(client_of: Any, ana: Any, alpha: Any) -> None:
    """From chunk to chunk, though the middleware has returned."""
    answer = client_of(ana, alpha).get("/lines/")
    first, second = (json.loads(line) for line in answer.streaming_content)
    assert (first == second, first[1:]) == (True, ["user", ana.email])


def test_stream__of_an_asynchronous_view__goes_on_in_its_operation(alpha: Any) -> None:
    """Under ASGI, too."""

    async def read() -> list[Any]:
        answer: Any = await AsyncBrowser(alpha).get("/lines-async/")
        return [json.loads(line) async for line in answer.streaming_content]

    first, second = async_to_sync(read)()
    assert (first == second, first[1]) == (True, "anonymous")


# Commands


@pytest.fixture
def dump(committing: Any, alpha: Any, tmp_path: Any) -> Any:
    """A file with one study that is not in the database."""
    with namespace_scope(alpha), operation():
        study = Study.objects.create(code="PAL0708", island="Dream")
        columns = {
            field.name: field.value_to_string(study) if getattr(study, field.attname) is not None else None
            for field in Study._meta.concrete_fields
            if not field.primary_key
        }
        file = tmp_path / "study.json"
        file.write_text(json.dumps([{"model": "research.study", "pk": str(study.pk), "fields": columns}]))
        key = study.pk
        study.purge()
    return file, key


def test_loaddata__through_manage_py__is_the_commands_operation(dump: Any, alpha: Any) -> None:
    """Histories say which command wrote the rows."""
    file, key = dump
    done = manage("smartmodels", "in", "alpha", "loaddata", str(file))
    assert done.returncode == 0, done.stderr
    with namespace_scope(alpha):
        version = timeline(Study, key)[0]
    assert (version.actor_kind, version.actor_label, version.action) == ("command", "loaddata", "create")


def test_command__of_another_package__runs_in_an_operation(committing: Any) -> None:
    """manage.py opens one for every command."""
    code = "from smartmodels.context import current_operation as c; print(c().actor.kind, c().actor.label)"
    assert manage("shell", "--no-imports", "-c", code).stdout.split() == ["command", "shell"]
