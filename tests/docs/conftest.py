"""A database in which the demo's story was told, once per process, and copies of it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.docs.blocks import Command, commands_to_type
from tests.docs.session import ROOT, Outcome, Session
from tests.docs.warm import start

Typed = tuple[list[Command], list[Outcome]]


@pytest.fixture(scope="session")
def told(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The name of the database and the folder of the demo's files."""
    data = tmp_path_factory.mktemp("told")
    with databases.private() as name:
        _make_anew(databases.server_url, name, "template0")
        place = {
            "DATABASE_URL": databases.url_of(name),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SMARTMODELS_DATA": str(data),
        }
        done = subprocess.run(
            [sys.executable, "manage.py", "demo", "--no-serve"],
            cwd=ROOT, env={**os.environ, **place}, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        yield name, data


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The address of an interpreter that starts commands sooner."""
    address, process = start(tmp_path_factory.mktemp("warm"))
    yield address
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def typed(
    databases: Any, told: tuple[str, Path], warm: Path, tmp_path_factory: pytest.TempPathFactory, request: Any
) -> Iterator[Callable[[Path], Typed]]:
    """``typed(page)``: the commands of a page and what became of them.

    Each page has a checkout and a copy of the rows of its own, so two are typed at the same time: with the
    first that is asked for, all begin, except where pytest-xdist spreads the tests over processes already.
    """
    begun: dict[Path, Future[Typed]] = {}

    def type_in(page: Path) -> Typed:
        with databases.private() as name:
            _make_anew(databases.server_url, name, told[0])
            session = Session(tmp_path_factory.mktemp(page.stem), databases.url_of(name), told[1], warm)
            commands = list(commands_to_type(page))
            return commands, session.run(commands)

    with ThreadPoolExecutor(1 if "PYTEST_XDIST_WORKER" in os.environ else 2) as pool:

        def typed(page: Path) -> Typed:
            asked = [item.callspec.params for item in request.session.items if "typed" in item.fixturenames]
            pages = [page] if "PYTEST_XDIST_WORKER" in os.environ else [each["page"] for each in asked]
            for each in pages:
                begun[each] = begun.get(each) or pool.submit(type_in, each)
            return begun[page].result()

        yield typed


def _make_anew(server_url: str, name: str, template: str) -> None:
    """Replace a database by a copy of another one."""
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
