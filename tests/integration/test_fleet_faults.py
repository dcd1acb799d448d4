"""Migrations of the fleet under kill -9, locks, two operators at once, a full disk and missing rights."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, connections

from shared_apps.namespaces.models import MigrationOutcome, MigrationRun, Namespace, SchemaState
from smartmodels.context import Actor, operation
from smartmodels.tenancy.locking import exclusively
from smartmodels.tenancy.migrating.options import MigrationOptions, MigrationReport
from smartmodels.tenancy.migrating.running import migrate_fleet
from smartmodels.tenancy.migrating.states import true_state
from tests.support.asking import asking
from tests.support.copies import copied, script_of
from tests.support.databases import ROOT
from tests.support.fleets import ADD_FIELD, Written, columns_of, has, written_migrations
from tests.support.waiting import wait_until

# Kills its process when the statement with this number is about to be sent, whoever sends it.
KILLER = """
import os, signal, sys
import django
django.setup()
import psycopg
from django.core.management import call_command
left = [int(sys.argv[1])]
def counting(kind, name):
    plain = getattr(kind, name)
    def counted(self, *args, **kwargs):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(self, *args, **kwargs)
    setattr(kind, name, counted)
from smartmodels.tenancy.engine.cursor import ScopedCursor
counting(psycopg.Connection, "execute")
if sys.argv[2] == "all":
    counting(ScopedCursor, "execute")
call_command("namespace", "migrate", jobs=1, verbosity=0)
print("whole", -left[0])
"""

FEWEST = 30
"""Statements that are sent for two namespaces, at least."""

TELL = """
def tell(apps, editor):
    editor.connection.cursor().execute("INSERT INTO told VALUES (1)")
"""
STEPS = (
    'migrations.RunSQL("CREATE TABLE told (id int)")',
    "migrations.RunPython(tell)",
)
"""One that is recorded and replayed, one that Python decides."""


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Migrations of activities that the test writes."""
    with written_migrations(tmp_path) as made:
        yield made


@pytest.fixture
def fleet(committing: Any, alpha: Namespace) -> list[Namespace]:
    """Four namespaces that have the tables of one app alone."""
    script = script_of(alpha.schema_name, "activities%", "django_migrations")
    Namespace.objects.update(state="reserved")
    return [copied(f"c{number}", script) for number in range(4)]


def migrate(**options: Any) -> MigrationReport:
    """Run in this process, as the system."""
    with operation(actor=Actor.system("tests")):
        return migrate_fleet(options=MigrationOptions(**{"jobs": 1, **options}))


def killed_at(number: int, written: Written, which: str = "all") -> bool:
    """Run in a process that dies at this statement, or this replay; whether it did."""
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(number), which],
        cwd=ROOT, check=False, capture_output=True, text=True,
        env={**os.environ, **written.environment},
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def when_free() -> MigrationReport:
    """Run as soon as PostgreSQL noticed that the killed process is gone."""
    return migrate(retries=10)


def test_migrate__killed_at_every_statement__leaves_every_schema_whole(
    fleet: list[Namespace], written: Written
) -> None:
    """Before or after each migration, never between; the next run does what is left, and data once."""
    script = script_of(fleet[0].schema_name)
    names = [written.add(f"operations = [{each}]", above=TELL) for each in STEPS]
    with asking(**written.environment) as ask:
        ask(applied=[".".join(key) for key in true_state(fleet[0].schema_name).applied])
        number, killed = 1, "killed"
        while killed == "killed":
            number += 1
            pair = [copied(f"k{number}-{each}", script) for each in "ab"]
            killed = ask(slugs=[each.slug for each in pair], statement=number)
            for each in pair:
                states = [has(each, name) for name in names]
                assert all(own == noted for own, noted in states)
                assert states[0][0] == ("id" in columns_of(each, "told"))
                assert states[1][0] == bool(states[0][0] and told(each))
    # As many statements as there were kills: none was left out.
    assert (killed, number > FEWEST) == (number - 1, True)
    assert when_free().failed == []
    pairs = Namespace.objects.filter(slug__startswith="k")
    assert {(told(each), has(each, names[-1])) for each in pairs} == {(1, (True, True))}


def sleepers(schema: str) -> list[int]:
    """The server process that sleeps in a migration of this schema, if there is one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT pid FROM pg_stat_activity a JOIN pg_locks l USING (pid) "
            "JOIN pg_class c ON c.oid = l.relation "
            "WHERE a.wait_event = 'PgSleep' AND c.relnamespace = to_regnamespace(%s)",
            [schema],
        )
        return [pid for (pid,) in cursor.fetchall()]


def ended(pid: int) -> bool:
    """Whether the server process is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid])
        return cursor.fetchone() == (0,)


def is_whole(namespace: Namespace, migration: str) -> bool:
    """Whether it has the migration; what was made, both records and the run's outcome agree on that."""
    made = "mood" in columns_of(namespace)
    outcomes = MigrationOutcome.objects.filter(schema_name=namespace.schema_name, error_code="").count()
    assert (*has(namespace, migration), outcomes) == (made, made, int(made))
    return made


@pytest.mark.parametrize("cut", [False, True], ids=["process", "process-and-server"])
def test_migrate__killed_within_a_message__leaves_every_schema_whole(
    fleet: list[Namespace], written: Written, cut: bool
) -> None:
    """The second of three that travel together sleeps meanwhile; the next run does what is left."""
    script = script_of(fleet[0].schema_name)
    fleet += [copied(f"d{number:02}", script) for number in range(8)]
    name = written.add(
        f"{ADD_FIELD[:-1]}, migrations.RunSQL(\"DO $$ BEGIN IF current_schema() LIKE 't_d00_%' "
        "AND to_regclass('public.woken') IS NULL THEN PERFORM pg_sleep(1); END IF; END $$\")]"
    )
    ready = "import django; django.setup(); from django.core.management import call_command"
    with subprocess.Popen(
        [sys.executable, "-c", f"{ready}; call_command('namespace', 'migrate', jobs=1, verbosity=0)"],
        cwd=ROOT, env={**os.environ, **written.environment},
    ) as process:  # fmt: skip
        wait_until(lambda: bool(sleepers(fleet[4].schema_name)), "A migration in a message", seconds=60)
        (pid,) = sleepers(fleet[4].schema_name)
        process.kill()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.woken ()")
        cursor.execute("SELECT pg_terminate_backend(%s) WHERE %s", [pid, cut])
    wait_until(lambda: ended(pid), "The end of the server process", seconds=30)
    done = [each.slug for each in fleet if is_whole(each, name)]
    # A server that was left alone may go on to the end of the message.
    assert done == ["c0", "c1", "c2", "c3", "d00", "d01"][: 4 if cut else max(len(done), 4)]
    assert when_free().failed == []
    assert all(is_whole(each, name) for each in fleet)


def told(namespace: Any) -> int:
    """How often the data migration wrote."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{namespace.schema_name}".told')  # noqa: S608 - a name we made
        return int(cursor.fetchone()[0])


def test_migrate__of_a_schema_noted_wrongly__goes_by_its_own_records(
    fleet: list[Namespace], written: Written
) -> None:
    """A migration that was done past the table of states is not done again, and is noted."""
    name = written.add('operations = [migrations.RunSQL("CREATE TABLE IF NOT EXISTS told (id int)")]')
    before = SchemaState.objects.get(pk=fleet[3].schema_name)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{fleet[3].schema_name}".django_migrations (app, name, applied) '  # noqa: S608
            "VALUES ('activities', %s, now())",
            [name.partition(".")[2]],
        )
    before.save()
    report = migrate()
    assert (report.failed, [len(each.steps) for each in report.results]) == ([], [1, 1, 1, 0])
    assert has(fleet[3], name) == (True, True)


def test_migrate__of_an_index_concurrently__makes_it(fleet: list[Namespace], written: Written) -> None:
    """Outside of transactions, recorded right after."""
    name = written.add(
        "atomic = False",
        'operations = [AddIndexConcurrently("activity", models.Index(fields=["kind"], name="by_kind"))]',
    )
    assert migrate().failed == []
    assert all(has(each, name) == (True, True) for each in fleet)


def test_migrate__where_a_killed_run_left_its_index__makes_it_anew(
    fleet: list[Namespace], written: Written
) -> None:
    """Made, or half-made, but not recorded."""
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE INDEX by_kind ON "{fleet[1].schema_name}".activities_activity (kind)')
    written.add(
        "atomic = False",
        'operations = [AddIndexConcurrently("activity", models.Index(fields=["kind"], name="by_kind"))]',
    )
    assert migrate().failed == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), bool_and(indisvalid) FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid "
            "WHERE c.relname = 'by_kind'"
        )
        assert cursor.fetchone() == (4, True)


def test_migrate__by_two_at_once__runs_data_migrations_once(fleet: list[Namespace], written: Written) -> None:
    """Whoever comes second finds it done, or waits."""
    written.add('operations = [migrations.RunSQL("CREATE TABLE told (id int); SELECT pg_sleep(0.05)")]')
    written.add('operations = [migrations.RunSQL("INSERT INTO told VALUES (1)")]')
    reports: list[MigrationReport] = []
    begin = threading.Barrier(2)

    def work() -> None:
        begin.wait(30)
        reports.append(migrate(retries=20))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.failed for report in reports] == [[], []]
    with connection.cursor() as cursor:
        for each in fleet:
            cursor.execute(f'SELECT count(*) FROM "{each.schema_name}".told')  # noqa: S608 - a name we made
            assert cursor.fetchone() == (1,)


def test_migrate__of_a_namespace_in_other_hands__says_busy_and_goes_on(
    fleet: list[Namespace], written: Written
) -> None:
    """Whatever it is that the others do to it."""
    written.add(ADD_FIELD)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with exclusively(fleet[1]):
            held.set()
            done.wait(30)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    report = migrate(retries=1)
    done.set()
    thread.join()
    assert [(result.slug, result.code) for result in report.failed] == [("c1", "namespace-busy")]


@pytest.mark.parametrize("retries", [0, 20])
def test_migrate__of_a_table_somebody_reads__waits_no_longer_than_told(
    fleet: list[Namespace], written: Written, retries: int
) -> None:
    """A lock that is not given is given back, so that nobody queues behind it; tried again, it may be."""
    written.add(ADD_FIELD)
    with psycopg.connect(os.environ["DATABASE_URL"]) as reader:
        reader.execute(f'SELECT * FROM "{fleet[2].schema_name}".activities_activity')  # noqa: S608
        release = threading.Timer(0.8, reader.rollback)
        if retries:
            release.start()
        report = migrate(lock_timeout=0.1, retries=retries)
        release.cancel()
    wanted = [] if retries else [("c2", "lock-timeout")]
    assert [(result.slug, result.code) for result in report.failed] == wanted


def test_migrate__without_the_right__reports_it(fleet: list[Namespace], written: Written) -> None:
    """The schema is as it was."""
    name = written.add(
        "operations = [migrations.RunSQL(\"DO $$ BEGIN IF current_schema() LIKE 't_c2_%' THEN "
        'RAISE insufficient_privilege; END IF; END $$; CREATE TABLE allowed (id int)")]'
    )
    report = migrate()
    assert [(result.slug, result.code) for result in report.failed] == [("c2", "permission-denied")]
    assert (has(fleet[2], name), columns_of(fleet[2], "allowed")) == ((False, False), set())


def test_migrate__on_a_full_disk__reports_it_and_leaves_nothing(
    fleet: list[Namespace], written: Written
) -> None:
    """In the middle of a migration."""
    name = written.add(
        'operations = [migrations.RunSQL("CREATE TABLE big (id int)"), migrations.RunSQL(\'DO $$ BEGIN '
        "RAISE disk_full; END $$')]"
    )
    report = migrate()
    assert {result.code for result in report.failed} == {"disk-full"}
    assert [(has(each, name), columns_of(each, "big")) for each in fleet] == [((False, False), set())] * 4
    assert set(MigrationOutcome.objects.values_list("error_code", flat=True)) == {"disk-full"}


def test_migrate__whose_connection_is_cut__goes_on_with_a_new_one(
    fleet: list[Namespace], written: Written
) -> None:
    """As when PostgreSQL is restarted."""
    written.add(
        "operations = [migrations.RunSQL(\"DO $$ BEGIN IF current_schema() LIKE 't_c2_%' AND NOT EXISTS "
        "(SELECT FROM pg_class WHERE relname = 'cut') THEN PERFORM public.cut(); END IF; END $$\")]"
    )
    with connection.cursor() as cursor:
        cursor.execute("CREATE FUNCTION public.cut() RETURNS void LANGUAGE sql AS $$ SELECT pg_sleep(5) $$")
    stop = threading.Event()

    def cut() -> None:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:

            def found() -> bool:
                return bool(other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
                    "AND datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall())  # fmt: skip

            wait_until(found, "Cutting the connection", seconds=30)
            other.execute("CREATE TABLE public.cut ()")
        stop.set()

    thread = threading.Thread(target=cut)
    thread.start()
    report = migrate()
    thread.join()
    assert report.failed == []


def test_run__that_was_killed__is_shown_without_an_end(fleet: list[Namespace], written: Written) -> None:
    """What it did is there, what it did not do is not."""
    written.add(ADD_FIELD)
    assert killed_at(2, written, "replays")
    run = MigrationRun.objects.get()
    assert run.finished_at is None
    assert run.outcomes.count() == sum("mood" in columns_of(each) for each in fleet) == 2
