"""What a whole request costs beside plain Django, and what the schemas it meets cost the server."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from shared_apps.namespaces.models import Namespace
from smartmodels.context import namespace_scope
from smartmodels.tenancy.placement import tenant_models
from tests.bench.measuring import figure, ratio
from tests.support.clients import host_of
from tests.support.databases import ROOT
from tests.support.many import cheap_namespace

REQUESTS = 20
TRIP_SECONDS = 0.001
SCHEMAS = 1000


@contextmanager
def program(module: str, *words: str, url: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a module of the tests as a program from the moment it is ready."""
    environ = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", f"tests.support.{module}", *words]
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", f"{module} did not start"
            yield process
        finally:
            process.terminate()


def ask(site: "subprocess.Popen[str]") -> None:
    """Let the site answer some requests."""
    assert site.stdin is not None
    assert site.stdout is not None
    site.stdin.write(f"{REQUESTS}\n")
    site.stdin.flush()
    site.stdout.readline()


def compare(url: str, rounds: int) -> float:
    """Return what requests of two namespaces in turn cost us, over what they cost Django in one schema."""
    namespaces = list(Namespace.objects.filter(slug__in=["alpha", "beta"]))
    with ExitStack() as stack:
        ours = program("one_query", "ours", *map(host_of, namespaces), url=url)
        plain = program("one_query", "plain", namespaces[0].schema_name, url=url)
        sites = [stack.enter_context(site) for site in (ours, plain)]
        return ratio(partial(ask, sites[0]), partial(ask, sites[1]), rounds=rounds)


@figure("request.one_query", ceiling=1.15)
def one_query(rounds: int) -> float:
    """A page with one query through all of the middleware, the namespace changing with every request."""
    return compare(os.environ["DATABASE_URL"], rounds)


@figure("request.trips_1ms", ceiling=1.1)
def trips_1ms(rounds: int) -> float:
    """The same with the database a millisecond away: we make no more trips than Django does."""
    server = connection.get_connection_params()
    target = str(Path(server["host"]) / f".s.PGSQL.{server.get('port') or 5432}")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    user = quote(server["user"])
    with program("delaying", str(port), target, str(TRIP_SECONDS), url=""):
        return compare(f"postgresql://{user}@127.0.0.1:{port}/{server['dbname']}", rounds)


# Memory


def private_kib(process: int) -> int:
    """What memory a process has for itself alone."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def kib_per_schema(namespaces: list[Namespace]) -> float:
    """Read all tables of each schema through one connection; return what its process grew by for each."""
    models = [model for model in tenant_models() if model._meta.app_label != "zoo"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process = cursor.fetchone()[0]
    before = private_kib(process)
    for namespace in namespaces:
        with namespace_scope(namespace):
            for model in models:
                list(model._base_manager.values_list("pk")[:1])
    return (private_kib(process) - before) / len(namespaces)


@figure("request.memory_per_schema", ceiling=1000)
def memory_per_schema(rounds: int) -> float:
    """KiB of a server process for each schema it has read; this figure is no ratio."""
    alpha = Namespace.objects.get(slug="alpha")
    number = SCHEMAS if rounds >= 100 else SCHEMAS // 10
    made = [cheap_namespace(f"m{secrets.token_hex(4)}", like=alpha) for _ in range(number)]
    connection.close()
    return kib_per_schema(made)
