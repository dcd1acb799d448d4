"""Processes that are killed in the middle, and writers that do not wait."""

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.test import override_settings

from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import NamespaceNotFound
from smartmodels.fsck import check_namespaces
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.models import State
from smartmodels.tenancy.setting_aside import set_aside
from smartmodels.transfer import back_up, export_namespace
from tenant_apps.research.models import Specimen, Study
from tests.support.databases import ROOT
from tests.support.moving import checksum, fill, schemas
from tests.support.waiting import wait_until


def killed(when: Callable[[], bool], *words: str) -> None:
    """Run a command in a process of its own, and kill it as soon as that holds."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "namespace", *words],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(when, "the moment to kill it", seconds=60)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
    wait_until(lambda: not _others_at_work(), "the end of its session", seconds=30)


def _others_at_work() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return bool(cursor.fetchone()[0])


def _is_loading(before: set[str]) -> bool:
    rows = Namespace.objects.filter(slug="gamma", state=State.LOADING)
    return rows.exists() and bool(schemas() - before)


def test_import__killed__is_nothing_that_anybody_finishes(
    committing: Any, alpha: Any, ana: Any, tmp_path: Path
) -> None:
    """It is not served, not resumed by the worker, and rollback leaves no trace."""
    fill(alpha, ana, rows=1)
    file, before = tmp_path / "alpha.tar", schemas()
    with file.open("w+b") as target, operation(actor=Actor.system("tests")):
        export_namespace(alpha, target)
    killed(lambda: _is_loading(before), "import", str(file), "--slug", "gamma", "--owner", "ana@example.org")
    gamma = provisioning.find_namespace("gamma")
    assert gamma.state == State.LOADING
    assert gamma not in provisioning.unfinished()
    assert provisioning.resume(gamma).state == State.LOADING
    provisioning.rollback(gamma)
    assert schemas() == before
    with pytest.raises(NamespaceNotFound):
        provisioning.find_namespace("gamma")


def test_restore__killed__leaves_the_live_schema_and_something_to_drop(
    committing: Any, alpha: Any, ana: Any, tmp_path: Path
) -> None:
    """Not a row of what is served changed; fsck names the rest and drops it."""
    fill(alpha, ana, rows=1)
    with override_settings(SMARTMODELS_BACKUP_DIR=str(tmp_path)), operation(actor=Actor.system("tests")):
        back_up(alpha)
    schema, before = alpha.schema_name, checksum(alpha.schema_name)
    os.environ["SMARTMODELS_BACKUP_DIR"] = str(tmp_path)
    try:
        killed(lambda: bool(set_aside(alpha)), "restore", "alpha")
    finally:
        del os.environ["SMARTMODELS_BACKUP_DIR"]
    alpha.refresh_from_db()
    assert (alpha.schema_name, checksum(schema)) == (schema, before)
    assert [each.code for each in check_namespaces(fix=True).left] == ["schema-left"]
    check_namespaces(fix=True, drop_schemas=True)
    assert set_aside(alpha) == []


def test_export__during_writes__is_of_one_moment(committing: Any, alpha: Any, ana: Any) -> None:
    """What one transaction wrote to two tables is in the file as a whole or not at all."""
    done, ready = threading.Event(), threading.Event()

    def write() -> None:
        try:
            while not done.is_set():
                with namespace_scope(alpha), operation(actor=Actor.user(ana)):
                    study = Study(code=str(len(written)))
                    written.append(study)
                    Study.objects.bulk_create([study])
                    _specimen_with(study)
                ready.set()
        finally:
            connections.close_all()

    written: list[Study] = []
    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert ready.wait(timeout=30)
        counts = [_counts(alpha) for _ in range(5)]
    finally:
        done.set()
        thread.join(timeout=30)
    assert all(versions == rows for rows, versions in counts)
    assert counts[-1][0] > counts[0][0]


def _specimen_with(study: Study) -> None:
    Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")


def _counts(namespace: Any) -> tuple[int, int]:
    """How many specimens, and versions of them, an export holds."""
    with operation(actor=Actor.system("tests")):
        rows = {part.table: part.rows for part in export_namespace(namespace, io.BytesIO()).tables}
    return rows["research_specimen"], rows["research_historicalspecimen"]
