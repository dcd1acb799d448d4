"""Files of shared rows: served through the grant, and gone with it."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.files.base import ContentFile
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import RequestFactory, override_settings
from rest_framework.test import force_authenticate

from shared_apps.namespaces.models import Namespace
from shared_apps.sharing.tasks import copy_promised
from shared_apps.sharing.viewsets import SharedRows
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.rest import ResourceViewSet, derive_serializer
from smartmodels.sharing import copy_promised as copy_to
from smartmodels.sharing import revoke, share
from smartmodels.tenancy import life
from smartmodels.tenancy.models import State
from tests.support.clients import host_of
from tests.support.lives import act
from tests.zoo.models import Animal, Enclosure, Tag


@pytest.fixture(autouse=True)
def media(tmp_path: Path) -> Any:
    """A folder for files, of this test alone."""
    with override_settings(MEDIA_ROOT=str(tmp_path / "media")):
        yield tmp_path / "media"


class AnimalViewSet(SharedRows, ResourceViewSet):
    """Animals with their photos."""

    model = Animal
    serializer_class: Any = derive_serializer(Animal, ("name", "photo"))


def animal(namespace: Any, user: Any, content: bytes = b"alpha") -> Any:
    """An animal with a photo."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        yard = Enclosure.objects.create(name="Yard")
        return Animal.objects.create(name="Ada", enclosure=yard, photo=ContentFile(content, "a.jpg"))


def granted(row: Any, home: Any, target: Any, **terms: Any) -> Any:
    """Share a row as the operator, who speaks for both sides."""
    with namespace_scope(home), operation(actor=Actor.command("share")):
        return share(row, target, **terms)


@pytest.fixture
def row(alpha: Any, ana: Any) -> Any:
    """An animal of alpha."""
    return animal(alpha, ana)


@pytest.fixture
def grant(row: Any, alpha: Any, beta: Any) -> Any:
    """Beta sees it."""
    return granted(row, alpha, beta)


SHARED = "/media/animals/a.jpg?home=alpha"


def test_list__shared_row__has_the_address_of_its_file(
    grant: Any, beta: Any, bea: Any, client_of: Any
) -> None:
    """Which serves it, and says whose it is; an own row of the same file name has another."""
    animal(beta, bea, b"beta")
    request = RequestFactory().get("/")
    request.membership, request.namespace = bea.memberships.get(namespace=beta), beta
    force_authenticate(request, bea)
    AnimalViewSet.reverse_action = lambda *_, **__: "/"
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        answer = AnimalViewSet.as_view({"get": "find_one"}, basename="zoo")(request).data
        mine = AnimalViewSet.as_view({"get": "list"}, basename="zoo")(request)
    assert answer["photo"].endswith(SHARED)
    assert mine.content.count(b"?home=") == 1
    files = [client_of(bea, beta).get(each) for each in (SHARED, "/media/animals/a.jpg")]
    assert [b"".join(each.streaming_content) for each in files] == [b"alpha", b"beta"]


def test_file__of_a_shared_row__is_no_page_and_not_kept(
    grant: Any, beta: Any, bea: Any, client_of: Any
) -> None:
    """As those of own rows."""
    answer = client_of(bea, beta).get(SHARED)
    assert (answer["Content-Disposition"][:10], answer["Content-Type"]) == (
        "attachment", "application/octet-stream",
    )  # fmt: skip
    answer.close()
    kept = answer["Cache-Control"]
    assert ("no-store" in kept, "max-age=0" in kept, "private" in kept) == (True, True, True)


@pytest.mark.parametrize(
    "address",
    ["/media/animals/a.jpg", "/media/animals/b.jpg?home=alpha", "/media/animals/a.jpg?home=beta",
     "/media/animals/a.jpg?home=", "/media/animals/a.jpg?home=nobody"],
)  # fmt: skip
def test_file__that_no_shared_row_names__is_not_found(
    address: str, grant: Any, beta: Any, bea: Any, client_of: Any
) -> None:
    """Whatever its home has besides."""
    assert client_of(bea, beta).get(address).status_code == 404


def test_file__of_a_row_that_is_not_shared__is_not_found(
    grant: Any, alpha: Any, ana: Any, beta: Any, bea: Any, client_of: Any
) -> None:
    """One shared row opens no other one's files."""
    other = animal(alpha, ana, b"secret")
    assert client_of(bea, beta).get(f"/media/{other.photo.name}?home=alpha").status_code == 404


def test_file__in_a_field_that_others_do_not_see__is_not_found(
    grant: Any, beta: Any, bea: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``view_fields`` are said of files, too."""
    monkeypatch.setattr(Animal, "smart", replace(Animal.smart, view_fields=("name",)))
    assert client_of(bea, beta).get(SHARED).status_code == 404


def test_file__while_the_offer_waits__is_not_found(
    row: Any, alpha: Any, ana: Any, beta: Any, bea: Any, client_of: Any
) -> None:
    """Nothing is shown before it is accepted."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        share(row, beta)
    assert client_of(bea, beta).get(SHARED).status_code == 404


def test_file__of_a_deleted_row__is_not_found(
    grant: Any, row: Any, alpha: Any, ana: Any, beta: Any, bea: Any, client_of: Any
) -> None:
    """Like the row."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        row.delete()
    assert client_of(bea, beta).get(SHARED).status_code == 404


def test_file__home_in_maintenance__is_to_be_asked_for_later(
    grant: Any, alpha: Any, beta: Any, bea: Any, client_of: Any
) -> None:
    """It is not gone."""
    Namespace.objects.filter(pk=alpha.pk).update(state=State.MAINTENANCE)
    assert client_of(bea, beta).get(SHARED).status_code == 503


def test_file__of_a_shared_row__is_for_members(grant: Any, beta: Any, ana: Any, client_of: Any) -> None:
    """Not even for the owner of its home, who is none here."""
    assert client_of(ana, beta).get(SHARED).status_code == 302


# By HTTP


class Quiet(WSGIRequestHandler):
    """Says nothing."""

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@contextmanager
def served() -> Iterator[int]:
    """The site on a port of this machine."""
    application = get_wsgi_application()

    def answer(environ: Any, start: Any) -> Any:
        try:
            response = application(environ, start)
            content = list(response)
            response.close()
            return content
        finally:
            connections.close_all()

    server = make_server("127.0.0.1", 0, answer, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fetched(port: int, client: Any, namespace: Any) -> tuple[int, bytes, str]:
    """What comes for the shared file: status, content, how long it may be kept."""
    cookies = "; ".join(f"{name}={each.value}" for name, each in client.cookies.items())
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", SHARED, headers={"Host": host_of(namespace), "Cookie": cookies})
    answer = connection.getresponse()
    with closing(connection):
        return answer.status, answer.read(), answer.getheader("Cache-Control") or ""


def test_file__revoked__is_refused_by_the_next_request(
    committing: Any, alpha: Any, beta: Any, ana: Any, bea: Any, client_of: Any
) -> None:
    """And no cache keeps what was sent before: it is gone at once, well within a minute."""
    grant = granted(animal(alpha, ana), alpha, beta)
    client = client_of(bea, beta)
    with served() as port:
        before = fetched(port, client, beta)
        with operation(actor=Actor.command("share")):
            revoke(grant)
        after = fetched(port, client, beta)
    assert (before[:2], after[0]) == ((200, b"alpha"), 404)
    assert {"no-store", "max-age=0"} <= set(before[2].split(", "))


# Copies


def copied(alpha: Any, *, purge: bool = False) -> None:
    """Let alpha go, after its copies were made."""
    act(life.delete, alpha)
    copy_promised()
    if purge:
        act(life.purge, alpha, now=True)


def animals_of(namespace: Any) -> list[Any]:
    """The namespace's own animals."""
    with namespace_scope(namespace), operation(actor=Actor.system("tests")):
        return list(Animal.objects.order_by("name"))


def promised(alpha: Any, ana: Any, beta: Any, **names: bytes) -> list[Any]:
    """Animals of alpha in a yard, of all of which beta is promised copies."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        yard = Enclosure.objects.create(name="Yard")
        made = [
            Animal.objects.create(name=name, enclosure=yard, photo=ContentFile(content, "a.jpg"))
            for name, content in names.items()
        ]
    for each in (yard, *made):
        granted(each, alpha, beta, at_end="copy")
    return made


def test_copy__of_a_row_with_a_file__has_a_file_of_its_own(
    committing: Any, alpha: Any, beta: Any, ana: Any, bea: Any, media: Path, client_of: Any
) -> None:
    """In the folder of the target, where it outlives the home; what lies there stays."""
    animal(beta, bea, b"beta")
    promised(alpha, ana, beta, Zoe=b"zoe")
    copied(alpha, purge=True)
    mine, copy = animals_of(beta)
    assert not (media / alpha.schema_name).exists()
    files = [client_of(bea, beta).get(f"/media/{each.photo.name}") for each in (mine, copy)]
    assert [b"".join(each.streaming_content) for each in files] == [b"beta", b"zoe"]


def test_copy__of_a_file_that_is_not_there__is_made_without_it(
    alpha: Any, beta: Any, ana: Any, media: Path
) -> None:
    """The row is worth keeping."""
    promised(alpha, ana, beta, Zoe=b"zoe")
    (media / alpha.schema_name / "animals/a.jpg").unlink()
    copied(alpha)
    assert [(each.name, each.photo.name) for each in animals_of(beta)] == [("Zoe", "")]


def test_copy__that_is_refused__leaves_no_file(
    alpha: Any, beta: Any, ana: Any, bea: Any, media: Path
) -> None:
    """Files go with the rows that would name them, those of others stay."""
    chip = uuid4()
    zoe, _ = promised(alpha, ana, beta, Zoe=b"zoe", Amy=b"amy")
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Animal.objects.filter(pk=zoe.pk).update(chip=chip)
    taken = animal(beta, bea, b"beta")
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        Animal.objects.filter(pk=taken.pk).update(chip=chip)
    copied(alpha)
    kept = {path.read_bytes() for path in (media / beta.schema_name).rglob("*") if path.is_file()}
    assert (kept, [each.name for each in animals_of(beta)]) == ({b"beta", b"amy"}, ["Ada", "Amy"])


def test_copies__that_cannot_be_stored__are_owed_still(alpha: Any, beta: Any, ana: Any, media: Path) -> None:
    """All of a target or none; the next time they are made."""
    promised(alpha, ana, beta, Zoe=b"zoe", Amy=b"amy")
    act(life.delete, alpha)
    alpha.refresh_from_db()
    (media / beta.schema_name).mkdir()
    (media / beta.schema_name / "animals").touch()
    left = copy_to(alpha).left
    (media / beta.schema_name / "animals").unlink()
    assert (left, animals_of(beta)) == ({"beta": "FileExistsError: they are owed still."}, [])
    assert copy_promised() == {"alpha": 3}


def test_copy__of_a_row_with_links__is_linked_to_what_is_in_the_target(
    alpha: Any, beta: Any, ana: Any, bea: Any
) -> None:
    """To rows of the same key there, and to no others."""
    [zoe] = promised(alpha, ana, beta, Zoe=b"zoe")
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        both, here = Tag.objects.create(label="both"), Tag.objects.create(label="alpha alone")
        zoe.tags.add(both, here)
        zoe.untracked.add(here)
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        Tag.objects.create(pk=both.pk, label="both")
    copied(alpha)
    [copy] = animals_of(beta)
    with namespace_scope(beta):
        assert [tag.label for tag in copy.tags.all()] == ["both"]
        assert list(copy.untracked.all()) == []
