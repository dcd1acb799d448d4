"""Pytest plugin that settles DATABASE_URL before pytest-django reads Django's settings.

The server is that of DATABASE_URL, else the tests' own cluster in `.data/test-postgres`; nothing is started
when only tests that need no database are asked for.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from config.postgres import Cluster, PostgresError, find_binaries
from tests.support.databases import ROOT, Databases

SERVER = "SMARTMODELS_TEST_SERVER"
NOWHERE = "postgresql:///there_is_no_database?host=/nonexistent"
WITHOUT_DATABASE = (ROOT / "tests" / "unit", ROOT / "tests" / "architecture")

cluster_key = pytest.StashKey[Cluster]()
databases_key = pytest.StashKey[Databases]()
failure_key = pytest.StashKey[str]()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Wrap pytest-django's hook of this name, which reads the settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    # WhiteNoise warns where nobody collected static files yet.
    (_data_folder() / "static").mkdir(parents=True, exist_ok=True)
    if _needs_database(early_config.known_args_namespace.file_or_dir):
        _settle(early_config)
    else:
        os.environ["DATABASE_URL"] = NOWHERE
        early_config.stash[failure_key] = "Tests below tests/unit and tests/architecture use no database."
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Drop this process's databases; the last process stops the cluster."""
    if (databases := config.stash.get(databases_key, None)) is not None:
        databases.close()
    if (cluster := config.stash.get(cluster_key, None)) is not None:
        cluster.close()


def _needs_database(arguments: Sequence[str]) -> bool:
    paths = [Path(argument.partition("::")[0]).resolve() for argument in arguments]
    return not paths or not all(
        any(path.is_relative_to(folder) for folder in WITHOUT_DATABASE) for path in paths
    )


def _settle(config: pytest.Config) -> None:
    try:
        server = os.environ.get(SERVER) or os.environ.get("DATABASE_URL") or _own_server(config)
    except PostgresError as error:
        config.stash[failure_key] = str(error)
        os.environ["DATABASE_URL"] = NOWHERE
        return
    databases = config.stash[databases_key] = Databases(server)
    os.environ[SERVER] = server
    os.environ["DATABASE_URL"] = databases.url


def _data_folder() -> Path:
    return Path(os.environ.get("SMARTMODELS_DATA") or ROOT / ".data")


def _own_server(config: pytest.Config) -> str:
    folder, binaries = _data_folder() / "test-postgres", find_binaries(os.environ)
    # A database is some thousand files, and hundreds of tests copy it: on disk that takes ten times as long.
    settings = {"autovacuum": "off", "min_wal_size": "32MB", "max_wal_size": "256MB"}
    cluster = Cluster(folder, binaries=binaries, durable=False, in_memory=True, settings=settings)
    cluster.start()
    config.stash[cluster_key] = cluster
    cluster.ensure_database("tests")
    return cluster.url("tests")
