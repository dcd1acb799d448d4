"""A disk that is really full: a small file system in memory, on which the tables are made."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import psycopg
import pytest
from django.db import connection

from shared_apps.namespaces.models import MigrationOutcome, Namespace
from smartmodels.context import Actor, operation
from smartmodels.exceptions import NamespaceFailed
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.migrating.options import MigrationOptions, MigrationReport
from smartmodels.tenancy.migrating.running import migrate_fleet
from smartmodels.tenancy.models import State
from tests.support.copies import copied, script_of
from tests.support.fleets import Written, columns_of, has, written_migrations

BIG = (
    'operations = [migrations.RunSQL("CREATE TABLE big AS SELECT n AS id FROM generate_series(1, 50000) n")]'
)
"""1.8 MB in each schema."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")


@dataclass(frozen=True)
class Disk:
    """Where tables are made from now on."""

    folder: Path

    def grow(self) -> None:
        """Make room."""
        subprocess.run(["mount", "-o", "remount,size=256m", str(self.folder)], check=True)


def run(statement: str) -> list[Any]:
    """Send a statement outside of transactions."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def disk(committing: Any) -> Iterator[Disk]:
    """A disk of 3 MB, the default tablespace of the test's database."""
    folder = Path(tempfile.mkdtemp(prefix="disk-", dir="/tmp"))
    try:
        with _server(committing.url) as server, _mounted(folder, server), _tablespace(server, folder) as name:
            server.execute(f"ALTER DATABASE {committing.name} SET default_tablespace = {name}")
            connection.close()
            try:
                yield Disk(folder)
            finally:
                connection.close()
                server.execute(f"ALTER DATABASE {committing.name} RESET default_tablespace")
                _empty(committing.url, name)
    finally:
        folder.rmdir()


@contextmanager
def _server(url: str) -> Iterator[psycopg.Connection]:
    """A connection as the server's superuser; skips where nobody may be that."""
    try:
        connected = psycopg.connect(url, user="postgres", autocommit=True)
    except psycopg.OperationalError:
        pytest.skip("this PostgreSQL lets nobody be its superuser")
    with connected:
        yield connected


@contextmanager
def _mounted(folder: Path, server: psycopg.Connection) -> Iterator[None]:
    mounting = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if subprocess.run(mounting, check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        ((files,),) = server.execute("SHOW data_directory").fetchall()
        owner = Path(files).stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _tablespace(server: psycopg.Connection, folder: Path) -> Iterator[str]:
    name = f"small_{token_hex(4)}"
    server.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
    server.execute(f"GRANT CREATE ON TABLESPACE {name} TO PUBLIC")
    try:
        yield name
    finally:
        server.execute(f"DROP TABLESPACE {name}")


def _empty(url: str, tablespace: str) -> None:
    """Move everything off the disk, so that it can be taken away."""
    with psycopg.connect(url, user="postgres", autocommit=True) as server:
        for kind in ("TABLE", "INDEX"):
            server.execute(f"ALTER {kind} ALL IN TABLESPACE {tablespace} SET TABLESPACE pg_default")


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Migrations of activities that the test writes."""
    with written_migrations(tmp_path) as made:
        yield made


@pytest.fixture
def fleet(committing: Any, alpha: Namespace) -> list[Namespace]:
    """Three namespaces that have the tables of one app alone, on the disk that is not full."""
    script = script_of(alpha.schema_name, "activities%", "django_migrations")
    Namespace.objects.update(state="reserved")
    return [copied(f"c{number}", script) for number in range(3)]


def migrate() -> MigrationReport:
    """Run in this process, as the system."""
    with operation(actor=Actor.system("tests")):
        return migrate_fleet(options=MigrationOptions(jobs=1))


def test_migrate__on_a_disk_that_is_full__says_so_and_goes_on_when_there_is_room(
    fleet: list[Namespace], disk: Disk, written: Written
) -> None:
    """The first fits; of the others nothing is half-made, and the next run does them alone."""
    name = written.add(BIG)
    report = migrate()
    assert [(each.slug, each.code) for each in report.failed] == [("c1", "disk-full"), ("c2", "disk-full")]
    assert [(has(each, name)[0], "id" in columns_of(each, "big")) for each in fleet] == [
        (True, True), (False, False), (False, False),
    ]  # fmt: skip
    errors = MigrationOutcome.objects.exclude(error="").values_list("error", flat=True)
    assert len(errors) == 2
    assert all("No space left on device" in each for each in errors)
    disk.grow()
    assert sorted(each.slug for each in migrate().results) == ["c1", "c2"]
    assert [(has(each, name), "id" in columns_of(each, "big")) for each in fleet] == [
        ((True, True), True)
    ] * 3


def test_provisioning__on_a_disk_that_is_full__fails_by_name_and_can_be_resumed(
    alpha: Namespace, ana: Any, disk: Disk
) -> None:
    """No schema is left half-made, and the reason is kept."""
    run("CREATE TABLE public.filler AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
    with pytest.raises(NamespaceFailed, match="No space left on device"):
        provisioning.provision("gamma", name="Gamma", owner=ana)
    made = Namespace.objects.get(slug="gamma")
    assert (made.state, "No space left" in made.error) == (State.FAILED, True)
    assert run(f"SELECT FROM pg_tables WHERE schemaname = '{made.schema_name}'") == []
    disk.grow()
    with operation(actor=Actor.system("tests")):
        assert provisioning.resume(made).state == State.ACTIVE
