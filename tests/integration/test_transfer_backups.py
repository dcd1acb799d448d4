"""Backups of one namespace, and the way back to them."""

import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import NamespaceBusy, NamespaceNotFound, WriteConflict
from smartmodels.history.evidence import anchor, verify
from smartmodels.tenancy import life
from smartmodels.tenancy.setting_aside import set_aside
from smartmodels.transfer import back_up, export_namespace, list_backups, restore_namespace
from smartmodels.transfer.errors import BackupsUnavailable, BackupUnknown
from tenant_apps.research.models import Study
from tests.support.clients import ApiClient
from tests.support.lives import act, remove
from tests.support.moving import checksum, fill, schemas

STUDIES = "/api/v1/studies/"


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """Keep backups in a folder of the test; the tests act."""
    here = override_settings(SMARTMODELS_BACKUP_DIR=str(tmp_path))
    with here, operation(actor=Actor.system("tests")):
        yield tmp_path


def add(namespace: Any, user: Any, *codes: str) -> None:
    """Make studies in the namespace."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        for code in codes:
            Study.objects.create(code=code)


def codes(namespace: Any) -> set[str]:
    """The codes of the namespace's studies."""
    with namespace_scope(namespace), operation(actor=Actor.system("tests")):
        return set(Study.objects.values_list("code", flat=True))


def test_backup__keeping_two__leaves_the_newest_two(folder: Path, alpha: Any, ana: Any) -> None:
    """Older ones go only once the new one is complete."""
    (folder / str(alpha.pk)).mkdir()
    left = folder / str(alpha.pk) / ".20250101T000000000000Z.tar.00.partial"
    left.touch()
    made = [act(back_up, alpha, keep=2).id for _ in range(3)]
    assert [each.id for each in list_backups(alpha)] == [made[2], made[1]]
    assert not left.exists()


@pytest.mark.parametrize("odd", ["../../etc/passwd", "20260101T000000000000Z", "", "x" * 5000, "a\0b"])
def test_restore__of_no_backup__is_refused(folder: Path, alpha: Any, odd: str) -> None:
    """An id is never a path."""
    with pytest.raises(BackupUnknown):
        act(restore_namespace, alpha, odd)


def test_backup__without_a_folder__says_which_setting(alpha: Any) -> None:
    """Nothing is kept where nobody said where."""
    with pytest.raises(BackupsUnavailable, match="SMARTMODELS_BACKUP_DIR"):
        act(back_up, alpha)


class Reader(threading.Thread):
    """Lists the studies over HTTP until it is told to stop; keeps every answer."""

    def __init__(self, user: Any, namespace: Any) -> None:
        super().__init__()
        self.client, self.done, self.seen = ApiClient(user, namespace), threading.Event(), []

    def run(self) -> None:
        try:
            while not self.done.is_set():
                answer = self.client.get(STUDIES)
                found = answer.json().get("results", [])
                self.seen.append((answer.status_code, frozenset(each["code"] for each in found)))
        finally:
            connections.close_all()


class Writer(Reader):
    """Makes studies over HTTP until it is told to stop; keeps what was acknowledged."""

    def run(self) -> None:
        try:
            while not self.done.is_set():
                code = f"w{len(self.seen)}"
                self.seen.append((self.client.post(STUDIES, {"code": code}).status_code, code))
        finally:
            connections.close_all()


def test_restore__under_load__shows_old_or_new_and_loses_no_write(
    committing: Any, folder: Path, alpha: Any, beta: Any, ana: Any, bea: Any
) -> None:
    """Every answer is of one state; what was acknowledged stands in one of the two; beta is untouched."""
    fill(alpha, ana, rows=1)
    fill(beta, bea, rows=1)
    with operation(actor=Actor.system("tests")):
        made = back_up(alpha)
    was = codes(alpha)
    add(alpha, ana, "LATER1", "LATER2")
    with namespace_scope(alpha):
        anchor()
    other, before = checksum(beta.schema_name), Namespace.objects.get(slug="alpha").schema_name
    workers = [Reader(ana, alpha), Reader(ana, alpha), Writer(ana, alpha)]
    for worker in workers:
        worker.start()
    with operation(actor=Actor.system("tests")):
        done = restore_namespace(Namespace.objects.get(slug="alpha"), made.id)
    for worker in workers:
        worker.done.set()
        worker.join(timeout=30)
    assert {status for worker in workers[:2] for status, _ in worker.seen} == {200}
    for _, seen in (each for worker in workers[:2] for each in worker.seen):
        assert {"LATER1", "LATER2"} <= seen or not {"LATER1", "LATER2"} & seen
    old = Namespace(pk=alpha.pk, slug="alpha", schema_name=done.kept)
    now = Namespace.objects.get(slug="alpha")
    assert done.kept == before != now.schema_name
    assert was <= codes(now)
    assert "LATER1" not in codes(now)
    acknowledged = {code for status, code in workers[2].seen if status == 201}
    assert acknowledged
    assert acknowledged <= codes(now) | codes(old)
    assert {status for status, _ in workers[2].seen} <= {201, 503}
    with pytest.raises(WriteConflict):
        add(old, ana, "TOO LATE")
    with namespace_scope(now):
        assert verify().is_intact
    assert checksum(beta.schema_name) == other
    assert set_aside(now) == [done.kept]


def test_backup__of_what_was_restored_meanwhile__holds_what_is_served(
    committing: Any, folder: Path, alpha: Any, ana: Any
) -> None:
    """Who read the namespace before it was restored backs up the rows that it has now."""
    fill(alpha, ana, rows=1)
    with operation(actor=Actor.system("tests")):
        empty = back_up(alpha)
        add(alpha, ana, "LATER")
        stale = Namespace.objects.get(slug="alpha")
        restore_namespace(alpha, empty.id)
        with pytest.raises(NamespaceBusy):
            export_namespace(stale, io.BytesIO())
        made = back_up(stale)
        restore_namespace(stale, made.id)
    assert "LATER" not in codes(Namespace.objects.get(slug="alpha"))


def test_restore__of_what_was_removed_meanwhile__is_refused(
    committing: Any, folder: Path, alpha: Any
) -> None:
    """Who read the namespace before it was purged is told so."""
    with operation(actor=Actor.system("tests")):
        made, stale = back_up(alpha), Namespace.objects.get(slug="alpha")
        remove(alpha)
        with pytest.raises(NamespaceNotFound):
            restore_namespace(stale, made.id)


def test_backup__under_maintenance__is_made(committing: Any, folder: Path, alpha: Any) -> None:
    """A namespace that is closed for work on it is the one to back up before."""
    act(life.begin_maintenance, alpha)
    assert act(back_up, alpha).bytes


def test_command__restore_as__makes_another_namespace(
    committing: Any, folder: Path, alpha: Any, ana: Any, capsys: Any
) -> None:
    """The original stays as it is."""
    add(alpha, ana, "A")
    call_command("namespace", "backup", "alpha", "--json", verbosity=0)
    made = json.loads(capsys.readouterr().out)["id"]
    add(alpha, ana, "B")
    call_command("namespace", "restore", "alpha", "--backup", made, "--as", "gamma", "--json", verbosity=0)
    gamma = Namespace.objects.get(slug="gamma")
    assert (codes(alpha), codes(gamma)) == ({"A", "B"}, {"A"})
    assert gamma.memberships.get().user == ana


def test_restore__of_a_broken_file__changes_nothing(
    committing: Any, folder: Path, alpha: Any, ana: Any
) -> None:
    """A backup that was changed is refused before a schema is made."""
    add(alpha, ana, "A")
    path = folder / str(alpha.pk) / f"{act(back_up, alpha).id}.tar"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    before = schemas()
    with pytest.raises(Exception, match="cannot be used"):
        act(restore_namespace, alpha, "latest")
    assert schemas() == before


def test_endpoints__backup_and_list__tell_ids_and_never_paths(
    folder: Path, alpha: Any, staff: Any, api_of: Any
) -> None:
    """What is made is listed; a path is no id."""
    api = api_of(staff, None)
    made = api.post("/api/v1/namespaces/alpha/backup/", {"keep": 3})
    assert made.status_code == 201
    assert [each["id"] for each in api.get("/api/v1/namespaces/alpha/backups/").json()] == [made.json()["id"]]
    for odd, status in (("../x", 404), ("x" * 500, 400), (None, 400)):
        answer = api.post("/api/v1/namespaces/alpha/restore/", {"backup": odd})
        assert answer.status_code == status


def test_restore__dropping_the_old__leaves_one_schema(
    committing: Any, folder: Path, alpha: Any, ana: Any
) -> None:
    """What is replaced is kept beside the namespace; unless it is not wanted, and then nothing older is."""
    backup = act(back_up, alpha).id
    before = schemas()
    add(alpha, ana, "LATER")
    kept = act(restore_namespace, alpha, backup).kept
    assert kept in schemas()

    done = act(restore_namespace, alpha, backup, drop_old=True)

    assert (done.kept, kept in done.dropped) == (None, True)
    assert len(schemas()) == len(before)
    assert codes(alpha) == set()
