"""The demo, told as a person tells it: by the command, in a database of its own."""
# ruff: noqa: S608 - names of our own schemas and tables in SQL

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.support.databases import Databases

ROOT = Path(__file__).resolve().parents[2]
ISLANDS = {"torgersen": 52, "biscoe": 168, "dream": 124}
SENTINEL = "00000000-0000-7000-8000-000000000001"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


@contextmanager
def heeding_interrupts() -> Iterator[None]:
    """Let what is started heed Ctrl-C: a shell's background jobs ignore it, and so do their children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(frozen=True)
class Place:
    """A database and a data folder for one demo."""

    url: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to work in this place."""
        return {**os.environ, "DATABASE_URL": self.url, "SMARTMODELS_DATA": str(self.folder)}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, as a terminal does."""
        with heeding_interrupts():
            return subprocess.Popen(
                [sys.executable, "manage.py", *words],
                cwd=ROOT, env=self.environment, text=True, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=self.environment, text=True, capture_output=True, check=False, timeout=120,
        )  # fmt: skip

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database, past all of the platform's code."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement, values).fetchall()

    def schema(self, slug: str) -> str:
        """The schema of a namespace."""
        [(name,)] = self.ask("SELECT schema_name FROM namespaces_namespace WHERE slug = %s", slug)
        return str(name)

    def count(self, slug: str, table: str, condition: str = "true") -> int:
        """How many rows of a table of the namespace satisfy a condition."""
        [(found,)] = self.ask(f'SELECT count(*) FROM "{self.schema(slug)}".{table} WHERE {condition}')
        return int(found)

    def dump(self) -> dict[str, list[str]]:
        """Every row of every table of every schema, as text."""
        tables = self.ask(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public' OR schemaname LIKE %s",
            "t\\_%",
        )
        with psycopg.connect(self.url) as connection:
            return {
                f"{schema}.{table}": sorted(
                    row[0]
                    for row in connection.execute(
                        sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(schema, table))
                    )
                )
                for schema, table in tables
            }


@contextmanager
def empty_place(databases: Databases, folder: Path) -> Iterator[Place]:
    """A new database without any table."""
    with databases.private() as name:
        url = databases.url_of(name)
        with psycopg.connect(databases.server_url, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        yield Place(url, folder)


@dataclass(frozen=True)
class Told:
    """A place where the story was cut off by Ctrl-C, told to its end, and told once more."""

    place: Place
    cut_off: subprocess.CompletedProcess[str]
    summary: dict[str, Any]
    again: dict[str, Any]
    before: dict[str, list[str]]
    after: dict[str, list[str]]
    screen: str


@pytest.fixture(scope="module")
def told(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The demo, told; each test looks at one thing."""
    with empty_place(databases, tmp_path_factory.mktemp("demo")) as place:
        cut_off = interrupted(place)
        first = place.run("demo", "--no-serve", "--json")
        assert first.returncode == 0, first.stderr
        before = place.dump()
        again = place.run("demo", "--no-serve", "--json")
        assert again.returncode == 0, again.stderr
        yield Told(
            place,
            cut_off,
            json.loads(first.stdout),
            json.loads(again.stdout),
            before,
            place.dump(),
            first.stderr,
        )


def interrupted(place: Place) -> subprocess.CompletedProcess[str]:
    """Press Ctrl-C soon after the rows of the first namespace were loaded."""
    process = place.start("demo", "--no-serve")
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if "field data torgersen" in line:
            break
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    return subprocess.CompletedProcess([], process.returncode, said + rest)


def test_demo__ctrl_c_in_the_middle__ends_with_a_sentence(told: Told) -> None:
    """No traceback, the usual exit code, and what to do next."""
    assert told.cut_off.returncode == 130, told.cut_off.stdout
    assert "Traceback" not in told.cut_off.stdout
    assert "./dev demo goes on where this ended" in told.cut_off.stdout


def test_demo__after_ctrl_c__goes_on_where_it_ended(told: Told) -> None:
    """What was done is not done again; the rest is."""
    assert "field data torgersen" not in told.summary["changed"]
    assert {"field data dream", "report"} <= set(told.summary["changed"])


@pytest.mark.parametrize(("slug", "rows"), ISLANDS.items())
def test_demo__namespace__has_the_rows_of_its_island(told: Told, slug: str, rows: int) -> None:
    """Three studies, and as many specimens as observations."""
    tables = ("research_study", "research_specimen", "research_observation")
    assert [told.place.count(slug, table) for table in tables] == [3, rows, rows]


def test_demo__people__are_staff_and_four_users(told: Told) -> None:
    """One of the four belongs to two namespaces, one has left."""
    rows = told.place.ask(
        "SELECT split_part(u.email, '@', 1), u.is_staff, u.is_active, count(m.id)"
        " FROM accounts_user u LEFT JOIN namespaces_membership m ON m.user_id = u.id"
        " WHERE u.email LIKE %s GROUP BY u.id ORDER BY u.email", "%@demo.example"
    )  # fmt: skip
    assert rows == [
        ("bo", False, True, 2),
        ("dina", False, True, 1),
        ("staff", True, True, 0),
        ("tara", False, True, 1),
        ("vic", False, False, 0),
    ]


def test_demo__study_of_biscoe__is_shared_with_dream(told: Told) -> None:
    """One active grant, consented to by both sides."""
    grants = told.place.ask(
        "SELECT h.slug, t.slug, g.status, g.created_by_label, g.decided_by_label FROM sharing_grant g"
        " JOIN namespaces_namespace h ON h.id = g.home_id JOIN namespaces_namespace t ON t.id = g.target_id"
    )
    assert grants == [("biscoe", "dream", "active", "bo@demo.example", "dina@demo.example")]


def test_demo__edited_row__has_three_versions_and_its_first_value(told: Told) -> None:
    """Created, mistyped, reverted."""
    schema = told.place.schema("torgersen")
    rows = told.place.ask(
        f'SELECT action, body_mass_g FROM "{schema}".research_historicalobservation WHERE id IN'
        f" (SELECT id FROM \"{schema}\".research_historicalobservation WHERE action = 'revert')"
        " ORDER BY history_id"
    )
    assert rows == [("create", 3750), ("update", 4750), ("revert", 3750)]


def test_demo__deleted_user__leaves_his_rows_to_the_sentinel(told: Told) -> None:
    """The study he brought in is there, with 16 specimens and 16 observations."""
    left = f"owner_id = '{SENTINEL}' AND created_by_id <> owner_id AND deleted_at IS NULL"
    tables = ("research_study", "research_specimen", "research_observation")
    assert [told.place.count("torgersen", table, left) for table in tables] == [1, 16, 16]


def test_demo__history__is_complete(told: Told) -> None:
    """H1: the newest version of every row equals the row, in every namespace."""
    for slug in ISLANDS:
        for table in ("study", "specimen", "observation"):
            columns = "id, owner_id, created_by_id, updated_at, deleted_at"
            schema = told.place.schema(slug)
            differing = told.place.ask(
                f'(SELECT {columns} FROM "{schema}".research_{table}) EXCEPT'
                f' (SELECT DISTINCT ON (id) {columns} FROM "{schema}".research_historical{table}'
                " ORDER BY id, history_id DESC)"
            )
            assert differing == [], (slug, table)


def test_demo__report__has_its_table_and_its_plot(told: Told) -> None:
    """The table has a line per species and namespace; the plot is a picture."""
    table, plot = map(Path, told.summary["files"])
    assert len(table.read_text().splitlines()) == 1 + 5
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_demo__second_time__changes_nothing(told: Told) -> None:
    """Every row of every table is as it was."""
    assert told.after == told.before
    assert told.again["changed"] == []


def test_demo__second_time__is_quick(told: Told) -> None:
    """Less than three seconds until it serves."""
    assert told.again["seconds"] < 3


def test_demo__screen__says_where_everything_is(told: Told) -> None:
    """Every address, who logs in there, and the password."""
    for slug in ISLANDS:
        assert re.search(rf"http://{slug}\.localhost:\d+/ .*@demo\.example .*only-for-the-demo", told.screen)


def test_demo__closed_account__is_no_login(told: Told) -> None:
    """Nobody is told to log in with an account that is closed."""
    assert told.summary["closed"] == ["vic@demo.example"]
    assert "vic@demo.example" not in [login["email"] for login in told.summary["logins"]]


# Serving


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, host: str) -> int:
    """The status of a page, once anything answers."""
    request = urllib.request.Request(url, headers={"Host": host})  # noqa: S310 - our own server
    for _ in range(150):
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                return int(answer.status)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("nothing answers")


def test_demo__ctrl_c_while_serving__stops_everything(told: Told) -> None:
    """Server and worker end, no connection is left, and nobody sees a traceback."""
    port = free_port()
    process = told.place.start("demo", "--port", str(port))
    assert wait_for(f"http://127.0.0.1:{port}/", f"torgersen.localhost:{port}") == 200
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert (process.returncode, "Traceback" in said) == (0, False), said
    assert told.place.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == [
        (1,)
    ]


def test_demo__port_that_is_taken__is_refused(told: Told) -> None:
    """A port that was asked for is not exchanged for another."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = told.place.run("demo", "--port", str(port))
    assert (done.returncode, done.stderr.strip()) == (
        1,
        f"CommandError: Port {port} is taken by another program: name another one, or none.",
    )


# Refusals


def test_demo__database_of_others__is_refused_and_left_alone(databases: Databases, tmp_path: Path) -> None:
    """Public passwords do not stand beside real tenants."""
    with databases.private() as name:
        place = Place(databases.url_of(name), tmp_path)
        before = place.dump()
        done = place.run("demo", "--no-serve")
        assert done.returncode == 1
        assert "namespaces the demo did not make (alpha, beta)" in done.stderr
        assert place.dump() == before


def test_demo__other_base_domain__is_refused(told: Told) -> None:
    """The demo is for localhost."""
    place = Place(told.place.url, told.place.folder)
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--no-serve"], cwd=ROOT, text=True, capture_output=True,
        env={**place.environment, "BASE_DOMAIN": "example.org"}, check=False,
    )  # fmt: skip
    assert "runs on localhost only and not on example.org" in done.stderr
