"""What a new namespace costs: against django-tenants, against bare statements, among a thousand others."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection, transaction

from config.postgres import find_binaries
from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace, SchemaTemplate, Spare
from smartmodels.context import Actor, operation
from smartmodels.tenancy.provisioning import provision
from smartmodels.tenancy.spares import fill_spares
from smartmodels.tenancy.template import current_template, replay
from smartmodels.testing.namespaces import keep_spares, make_namespace
from tests.bench.measuring import figure
from tests.support.crowds import crowd
from tests.support.databases import ROOT

NUMBERS = count(1)
FEW, MANY, MANY_QUICK = 10, 1_000, 100


def seconds(act: Callable[[], Any]) -> float:
    """Return how long it takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def processor_seconds(act: Callable[[], Any]) -> float:
    """Return how long it keeps a processor busy: this process's, and that of the connection's server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")

    def spent() -> float:
        return time.process_time() + int(server.read_text().split()[0]) / 1e9

    began = spent()
    act()
    return spent() - began


@contextmanager
def peer() -> Iterator[Callable[[str], float]]:
    """Yield what has django-tenants do something in its own process and returns the seconds."""
    path = os.pathsep.join((str(ROOT / "platform"), str(ROOT)))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.peer"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout

        def ask(task: str) -> float:
            print(task, file=process.stdin, flush=True)
            return float(process.stdout.readline())  # type: ignore[union-attr]

        yield ask
        process.stdin.close()


def ours() -> None:
    """Make a namespace: from a spare if there is one, else from the script."""
    slug = f"bench{next(NUMBERS)}"
    if not OWNER:
        OWNER.append(User.objects.get(email="ana@example.org"))
    with operation(actor=Actor.system("bench")):
        provision(slug, name=slug, owner=OWNER[0])


def bare() -> None:
    """Send the statements that make a namespace of a spare, and nothing else."""
    slug, owner = f"bare{next(NUMBERS)}", OWNER[0].pk
    spare = SPARES.pop()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'ALTER SCHEMA "{spare}" RENAME TO "t_{slug}"')
        cursor.execute(
            "INSERT INTO namespaces_namespace"
            " (id, slug, name, schema_name, state, step, error, request_digest, notice, state_before)"
            " VALUES (gen_random_uuid(), %s, %s, %s, 'active', 'activate', '', '', '', '') RETURNING id",
            [slug, slug, f"t_{slug}"],
        )
        (key,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO namespaces_domain (domain, tenant_id, is_primary) VALUES (%s, %s, true)",
            [f"{slug}.localhost", key],
        )
        cursor.execute(
            "INSERT INTO namespaces_membership (id, namespace_id, user_id, role)"
            " VALUES (gen_random_uuid(), %s, %s, 'owner')",
            [key, owner],
        )


SPARES: list[str] = []
OWNER: list[Any] = []


def reserve_for_bare(number: int) -> None:
    """Take so many spares aside."""
    fill_spares(number)
    rows = list(Spare.objects.all()[:number])
    SPARES.extend(row.schema_name for row in rows)
    Spare.objects.filter(pk__in=[row.pk for row in rows]).delete()
    with connection.cursor() as cursor:
        for name in SPARES:
            cursor.execute(f'COMMENT ON SCHEMA "{name}" IS NULL')


@figure("provision.spare", ceiling=1 / 200)
def spare(rounds: int) -> float:
    """A namespace from a spare against django-tenants' default way: its schema, migrate_schemas, its host."""
    turns = 5 if rounds >= 100 else 3
    pairs = []
    with peer() as ask:
        for _ in range(turns):
            fill_spares(4)
            ours()
            pairs.append((median(seconds(ours) for _ in range(3)), ask("create")))
    return median(pair[0] for pair in pairs) / median(pair[1] for pair in pairs)


@figure("provision.spare_floor", ceiling=3)
def spare_floor(rounds: int) -> float:
    """The same against ALTER SCHEMA RENAME and the three rows."""
    turns = min(rounds, 40)
    reserve_for_bare(turns + 1)
    fill_spares(turns + 1)
    ours(), bare()
    pairs = [(seconds(ours), seconds(bare)) for _ in range(turns)]
    return median(pair[0] for pair in pairs) / median(pair[1] for pair in pairs)


@figure("provision.replay_floor", ceiling=1.2)
def replay_floor(rounds: int) -> float:
    """The tables by the script against the same script sent by psql."""
    assert current_template() is not None
    script = SchemaTemplate.objects.get().script
    psql = find_binaries(os.environ).program("psql")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.sql"

        def by_psql() -> None:
            schema = f"bare_{next(NUMBERS)}"
            path.write_text(
                f"CREATE SCHEMA {schema}; SET LOCAL search_path TO {schema}; "
                f"SET LOCAL check_function_bodies TO off;\n{script};"
            )
            words = [psql, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", path]
            subprocess.run([*map(str, words), os.environ["DATABASE_URL"]], check=True)

        def by_us() -> None:
            schema = f"ours_{next(NUMBERS)}"
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(f"CREATE SCHEMA {schema}")
                replay(script, schema)

        by_us(), by_psql()
        pairs = [(seconds(by_us), seconds(by_psql)) for _ in range(min(rounds, 30))]
    return median(pair[0] for pair in pairs) / median(pair[1] for pair in pairs)


@figure("provision.growth", ceiling=1.3)
def growth(rounds: int) -> float:
    """A namespace from a spare among 1,000 others (--quick: 100) against one among 10, in processor time.

    Between the two lie minutes in which the machine may get other work, which waiting time would show.
    """
    turns = min(rounds, 30)

    def among(number: int) -> float:
        crowd(number - Namespace.objects.exclude(slug__startswith="crowd").count())
        fill_spares(turns + 1)
        connection.close()
        ours()
        return median(processor_seconds(ours) for _ in range(turns))

    few = among(FEW)
    return among(MANY if rounds >= 100 else MANY_QUICK) / few


@figure("testsetup.namespace", ceiling=1 / 20)
def testsetup(rounds: int) -> float:
    """A further namespace for a test class against the set-up of django-tenants' TenantTestCase."""
    keep_spares()

    def by_us() -> None:
        with transaction.atomic():
            make_namespace(f"class{next(NUMBERS)}")
            transaction.set_rollback(True)

    by_us()
    with peer() as ask:
        pairs = [(seconds(by_us), ask("testcase")) for _ in range(5 if rounds >= 100 else 3)]
    return median(pair[0] for pair in pairs) / median(pair[1] for pair in pairs)
