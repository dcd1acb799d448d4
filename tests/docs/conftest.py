"""A database in which the demo's story was told, once per process, and copies of it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.docs.session import ROOT, Session


@pytest.fixture(scope="session")
def told(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The name of the database and the folder of the demo's files."""
    data = tmp_path_factory.mktemp("told")
    with databases.private() as name:
        _make_anew(databases.server_url, name, "template0")
        place = {"DATABASE_URL": databases.url_of(name), "SMARTMODELS_DATA": str(data)}
        done = subprocess.run(
            [sys.executable, "manage.py", "demo", "--no-serve"],
            cwd=ROOT, env={**os.environ, **place}, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        yield name, data


@pytest.fixture
def new_session(databases: Any, told: tuple[str, Path], tmp_path: Path) -> Iterator[Callable[[], Session]]:
    """``new_session()``: a terminal in a checkout with the demo's rows."""
    with ExitStack() as stack:

        def make() -> Session:
            name = stack.enter_context(databases.private())
            _make_anew(databases.server_url, name, told[0])
            return Session(tmp_path, databases.url_of(name), told[1])

        yield make


def _make_anew(server_url: str, name: str, template: str) -> None:
    """Replace a database by a copy of another one."""
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
