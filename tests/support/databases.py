"""Throw-away databases: one template per state of the migrations, and copies of it.

A run takes a slot, a number nobody else has. Slots are advisory locks, which PostgreSQL gives back when their
holder dies: runs at the same time never meet, and whoever takes a slot next removes what was left in it.
"""

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 600
TEMPLATE_LOCK, SLOT_LOCK = 0x736D7431, 0x736D7432
ADDRESS = re.compile(r"(?P<server>\w+://[^/?]*)(?:/[^?]*)?(?P<query>\?.*)?\Z")
# What the rows and tables of the template follow from.
SOURCES = (
    "*_apps/*/migrations/*.py",
    "tests/zoo/migrations/*.py",
    "tests/shop/migrations/*.py",
    "tests/settings.py",
    "platform/smartmodels/**/*.sql",
    "platform/smartmodels/tenancy/**/*.py",
    "platform/smartmodels/jobs/installing.py",
    "platform/smartmodels/history/operations.py",
    "platform/smartmodels/history/capture.py",
    "platform/smartmodels/history/records.py",
    "platform/smartmodels/softdelete/parents.py",
    "platform/config/settings.py",
    "tests/support/people.py",
    "tests/support/template.py",
)
PACKAGES = (
    "django",
    "django-tenants",
    "django-simple-history",
    "django-safedelete",
    "djangorestframework",
    "procrastinate",
)


class Databases:
    """The databases of one process on one server; ``server_url`` names any database of it but ours."""

    def __init__(self, server_url: str) -> None:
        self.server_url = server_url
        self._connection = psycopg.connect(server_url, autocommit=True)
        self._prefix = _prefix(self._connection)
        self.slot = next(number for number in count() if self._lock(SLOT_LOCK, number))
        self.name = f"{self._prefix}_{self.slot}"
        self._numbers = count(1)
        self._template: str | None = None
        self._sweep()

    @property
    def url(self) -> str:
        """The address of this process's own database, which exists once it was made."""
        return self.url_of(self.name)

    def url_of(self, name: str) -> str:
        """The address of a database on the same server."""
        address = ADDRESS.match(self.server_url)
        assert address, "DATABASE_URL is no address"
        return f"{address['server']}/{name}{address['query'] or ''}"

    def make_own(self) -> None:
        """Make this process's own database, as fresh as the template."""
        self._copy(self.name)

    @contextmanager
    def private(self) -> Iterator[str]:
        """A further copy, for one test; yields its name."""
        name = f"{self.name}_{next(self._numbers)}"
        self._copy(name)
        try:
            yield name
        finally:
            self._drop(name)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """A database without any tables; yields its name."""
        name = f"{self.name}_{next(self._numbers)}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield name
        finally:
            self._drop(name)

    def close(self) -> None:
        """Drop what this process made and give the slot back; the template stays for the next run."""
        self._sweep()
        self._connection.close()

    # The template

    def template(self) -> str:
        """The name of the template, made now if there is none for the present state of the sources."""
        if self._template is None:
            mark = fingerprint(self._connection.info.server_version)
            self._template = f"{self._prefix}_template_{mark}"
            # Held to the end, so that no other run takes this template for a stale one.
            key = int(mark[:7], 16)
            self._execute("SELECT pg_advisory_lock_shared(%s, %s)", TEMPLATE_LOCK, key)
            if not self._exists(self._template):
                self._make_template(self._template, key)
            self._drop_stale_templates(self._template)
        return self._template

    def _make_template(self, name: str, key: int) -> None:
        draft = f"{self._prefix}_draft_{key:x}"
        self._execute("SELECT pg_advisory_lock(%s, %s)", SLOT_LOCK, -1)
        try:
            if self._exists(name):
                return
            self._drop(draft)
            self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(draft)))
            _fill(self.url_of(draft))
            self._execute(
                sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false").format(sql.Identifier(draft))
            )
            self._execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name))
            )
        finally:
            self._execute("SELECT pg_advisory_unlock(%s, %s)", SLOT_LOCK, -1)

    def _drop_stale_templates(self, current: str) -> None:
        for name in self._names(f"{self._prefix}_template_"):
            key = int(name.rpartition("_")[2][:7], 16)
            if name == current or not self._lock(TEMPLATE_LOCK, key):
                continue
            try:
                self._drop(name)
            finally:
                self._execute("SELECT pg_advisory_unlock(%s, %s)", TEMPLATE_LOCK, key)

    # The server

    def _copy(self, name: str) -> None:
        # By file rather than by row through the log: there are many files with few rows in them.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(self.template())))

    def _drop(self, name: str) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        for _ in range(_PATIENCE):
            try:
                self._execute(statement)
            except psycopg.errors.InsufficientPrivilege:
                # The server cleans up in it, which is not ours to end, and takes a moment.
                time.sleep(0.1)
            else:
                return
        self._execute(statement)

    def _sweep(self) -> None:
        for name in self._names(self.name):
            if name == self.name or name.startswith(f"{self.name}_"):
                self._drop(name)

    def _names(self, beginning: str) -> list[str]:
        rows = self._execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", beginning)
        return [row[0] for row in rows]

    def _exists(self, name: str) -> bool:
        return bool(self._execute("SELECT 1 FROM pg_database WHERE datname = %s", name))

    def _lock(self, kind: int, key: int) -> bool:
        return bool(self._execute("SELECT pg_try_advisory_lock(%s, %s)", kind, key)[0][0])

    def _execute(self, statement: str | sql.Composed, *values: object) -> list[tuple[object, ...]]:
        cursor = self._connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def _prefix(connection: psycopg.Connection) -> str:
    """How the names of our databases begin: locks hold within one database, and rights are one user's."""
    whose = f"{connection.info.user}@{connection.info.dbname}"
    return f"smartmodels_test_{hashlib.sha256(whose.encode()).hexdigest()[:6]}"


def fingerprint(server_version: int) -> str:
    """What the template depends on, as 12 hexadecimal digits."""
    digest = hashlib.sha256(f"{server_version} {[version(package) for package in PACKAGES]}".encode())
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _fill(url: str) -> None:
    """Migrate the empty database and put the people and namespaces of the tests into it."""
    python_path = os.pathsep.join((str(ROOT / "platform"), str(ROOT)))
    settled = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": python_path}
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.template"],
        env={**os.environ, **settled}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"The template database could not be made:\n{done.stdout}{done.stderr}")
