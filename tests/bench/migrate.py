"""What migrating many namespaces costs: against django-tenants' executor, and against the bare statements.

The peer runs in a process of its own, because its engine is another one; it says how long its work took,
without its start. Every round migrates the same schemas by one more migration: ours, then the peer's.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection

from shared_apps.namespaces.models import Namespace
from smartmodels.tenancy.engine.base import search_path
from smartmodels.tenancy.migrating.previewing import PlannedGroup, preview_fleet
from smartmodels.tenancy.migrating.states import true_state
from tests.bench.measuring import figure, seconds
from tests.support.crowds import crowd
from tests.support.databases import ROOT
from tests.support.fleets import PACKAGE, Written, written_migrations

QUICK_ROUNDS = 20
BATCH = 10
FOREIGN = """
INSERT INTO {0} (app, name, applied) SELECT app, name, now() FROM public.django_migrations AS its
WHERE NOT EXISTS (SELECT FROM {0} AS own WHERE (own.app, own.name) = (its.app, its.name))
"""
ABOVE = f"""
import importlib
from smartmodels.history.capture import HistoryCapture
first = importlib.import_module("{PACKAGE}.0001_initial").Migration
known = [each for operation in first.operations for each in (
    getattr(operation, "constraint", None), *getattr(operation, "options", {{}}).get("constraints", ())
) if isinstance(each, HistoryCapture)][0].deconstruct()[2]
def capture(fields):
    return HistoryCapture(**{{**known, "columns": (*known["columns"], *fields)}})
def added(fields):
    new, name = fields[-1], known["name"]
    return [migrations.RemoveConstraint("activity", name)] + [
        migrations.AddField(model, new, models.CharField(max_length=9, default=""))
        for model in ("activity", "historicalactivity")
    ] + [migrations.AddConstraint("activity", capture(fields))]
from django.db import migrations, models
"""


class Fleet:
    """So many of the crowd, and a field more in every round."""

    def __init__(self, written: Written, namespaces: list[Namespace]) -> None:
        self._written = written
        self._fields: list[str] = []
        self.namespaces = namespaces

    def add_field(self) -> None:
        """Write a migration that adds a field to a tracked model, as makemigrations would."""
        self._fields.append(f"field_{time.monotonic_ns()}")
        self._written.add(f"operations = added({self._fields!r})", above=ABOVE)

    def migrate(self, jobs: int = 1) -> float:
        """Run our command over all, on a connection of its own; return the seconds."""
        connection.close()
        output = StringIO()
        return seconds(lambda: call_command("namespace", "migrate", jobs=jobs, verbosity=0, stdout=output))

    def send_bare(self) -> float:
        """Send the statements and nothing else, so many schemas in one message; return the seconds."""
        group = only_group()
        bare = ";\n".join(each.sql.rstrip(";") for step in group.migrations for each in step.statements)
        parts = [f"SET search_path TO {search_path(each.schema_name)};\n{bare}" for each in self.namespaces]
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as plain:

            def send() -> None:
                for at in range(0, len(parts), BATCH):
                    plain.execute(";\n".join(parts[at : at + BATCH]).encode())

            return seconds(send)

    def note_all(self) -> None:
        """Record in every schema what was sent past all records."""
        group = only_group()
        with connection.cursor() as cursor:
            for each in self.namespaces:
                for step in group.migrations:
                    app, _, name = step.name.partition(".")
                    cursor.execute(
                        f'INSERT INTO "{each.schema_name}".django_migrations (app, name, applied) '  # noqa: S608
                        "VALUES (%s, %s, now())",
                        [app, name],
                    )


@contextmanager
def fleet(count: int, *, foreign: bool = False) -> Iterator[Fleet]:
    """A fleet and its written migrations; what they add to tables goes with the database.

    ``foreign`` is for a fleet that the peer migrates as well.
    """
    namespaces = crowd(count)
    # What an earlier figure left in the tables has other names.
    label = f"bench{time.monotonic_ns()}"
    with (
        tempfile.TemporaryDirectory() as folder,
        written_migrations(Path(folder), label) as written,
        alone(namespaces),
        forgotten(namespaces, foreign=foreign),
    ):
        yield Fleet(written, namespaces)


@contextmanager
def alone(namespaces: list[Namespace]) -> Iterator[None]:
    """Set all other namespaces aside for the block, whatever comes of it."""
    others = Namespace.objects.exclude(pk__in=[each.pk for each in namespaces]).filter(state="active")
    set_aside = list(others.values_list("pk", flat=True))
    Namespace.objects.filter(pk__in=set_aside).update(state="reserved")
    try:
        yield
    finally:
        Namespace.objects.filter(pk__in=set_aside).update(state="active")


@contextmanager
def forgotten(namespaces: list[Namespace], *, foreign: bool) -> Iterator[None]:
    """Forget in the end all that was recorded in the block; let it know first what django-tenants puts there.

    It records the migrations of shared apps in every schema, which takes it ten seconds each at the first
    time. A schema that has them is not planned together with one that has not.
    """
    before = sorted(".".join(key) for key in true_state(namespaces[0].schema_name).applied)
    try:
        if foreign:
            each_records(namespaces, FOREIGN)
        yield
    finally:
        each_records(namespaces, "DELETE FROM {0} WHERE app || '.' || name <> ALL (%s)", before)


def each_records(namespaces: list[Namespace], statement: str, *values: list[str]) -> None:
    """Send the statement for the table of records of each."""
    with connection.cursor() as cursor:
        for each in namespaces:
            cursor.execute(statement.format(f'"{each.schema_name}".django_migrations'), values or None)
    # What the server keeps of so many tables is not part of what is measured.
    connection.close()


def only_group() -> PlannedGroup:
    """What all of the fleet lack, which are alike; say what differs if they are not."""
    groups = preview_fleet()
    if len(groups) != 1:
        lacking = [(each.namespaces, [step.name for step in each.migrations]) for each in groups]
        found = [f"{len(slugs)} such as {slugs[0]} lack {names}" for slugs, names in lacking]
        raise AssertionError(f"The fleet is not alike: {'; '.join(found) or 'nothing is lacking'}.")
    return groups[0]


@contextmanager
def peer(made: Fleet) -> Iterator[Any]:
    """django-tenants in a process of its own; call it to migrate the fleet, it returns the seconds."""
    folder = made._written.folder
    engine = "\nDATABASES['default']['ENGINE'] = 'django_tenants.postgresql_backend'\n"
    (folder / "peer_settings.py").write_text(f"from fleet_settings import *{engine}")
    environment = {**os.environ, **made._written.environment, "DJANGO_SETTINGS_MODULE": "peer_settings"}
    schemas = json.dumps([each.schema_name for each in made.namespaces])
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.support.peer_migrator"],
        cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout

        def migrate() -> float:
            print(schemas, file=process.stdin, flush=True)
            return float(process.stdout.readline())

        yield migrate
        process.stdin.close()


def is_quick(rounds: int) -> bool:
    """Whether this is a ``--quick`` run."""
    return rounds <= QUICK_ROUNDS


def of_medians(pairs: list[tuple[float, float]]) -> float:
    """Ours over the other's."""
    print(
        "  seconds (ours, other):", *(f"({ours:.3f}, {other:.3f})" for ours, other in pairs), file=sys.stderr
    )
    return median(pair[0] for pair in pairs) / median(pair[1] for pair in pairs)


@figure("migrate.status", ceiling=0.005)
def status(rounds: int) -> float:
    """The whole command with nothing to do, 1,000 (quick 100), against a no-op ``migrate_schemas``.

    The peer, which takes one schema after the other, is measured over 100 of them and multiplied.
    """
    count = 100 if is_quick(rounds) else 1_000
    with fleet(count, foreign=True) as made, peer(Fleet(made._written, made.namespaces[:100])) as migrate:
        made.migrate()
        times = 1 if is_quick(rounds) else 3
        return of_medians([(made.migrate(), migrate() * count / 100) for _ in range(times)])


@figure("migrate.addfield", ceiling=1 / 15)
def addfield(rounds: int) -> float:
    """A field more in a tracked model of 100 namespaces, against django-tenants' ``standard`` executor."""
    pairs = []
    with fleet(100, foreign=True) as made:
        for _ in range(1 if is_quick(rounds) else 3):
            made.add_field()
            ours = made.migrate(jobs=2)
            made.add_field()
            with peer(made) as migrate:
                pairs.append((ours, migrate()))
    return of_medians(pairs)


def of_statements(rounds: int, jobs: tuple[int, int | None]) -> float:
    """Compare so many jobs with so many others, or with the bare statements."""
    pairs = []
    with fleet(100 if is_quick(rounds) else 1_000) as made:
        for _ in range(3):
            made.add_field()
            ours = made.migrate(jobs=jobs[0])
            made.add_field()
            if jobs[1] is None:
                pairs.append((ours, made.send_bare()))
                made.note_all()
            else:
                pairs.append((ours, made.migrate(jobs=jobs[1])))
    return of_medians(pairs)


@figure("migrate.addfield_floor", ceiling=1.5)
def addfield_floor(rounds: int) -> float:
    """The same over 1,000 namespaces (quick 100), against its bare statements sent ten schemas at a time."""
    return of_statements(rounds, (1, None))


@figure("migrate.addfield_jobs", ceiling=0.9)
def addfield_jobs(rounds: int) -> float:
    """Two jobs against one."""
    return of_statements(rounds, (2, 1))
