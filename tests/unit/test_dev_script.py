"""The script `./dev`: what it says, and that any Python can at least say it."""

import ast
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "dev"
COMMANDS = "setup demo run check test unit integration browser bench docs app shell db matrix clean help"


@pytest.fixture(scope="module")
def dev() -> ModuleType:
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("dev_script", str(SCRIPT))
    spec = importlib.util.spec_from_loader("dev_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def run_dev(script: Path, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the script answers when called from this folder."""
    command = [sys.executable, str(script), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_help__from_another_folder_through_a_link__lists_all_commands(tmp_path: Path) -> None:
    """The help names every command, wherever it is called from."""
    link = tmp_path / "linked"
    link.symlink_to(SCRIPT)

    lines = run_dev(link, "help", folder=tmp_path).stdout.splitlines()

    assert [line.split()[0] for line in lines[2:]] == COMMANDS.split()


def test_unknown_command__like_a_known_one__suggests_it(tmp_path: Path) -> None:
    """A mistyped command ends with exit code 2 and the one that was meant."""
    outcome = run_dev(SCRIPT, "tset", folder=tmp_path)

    assert (outcome.returncode, outcome.stderr) == (
        2,
        "There is no command 'tset': did you mean './dev test'? './dev help' lists them all.\n",
    )


def test_unknown_command__like_none__points_to_the_help(dev: ModuleType) -> None:
    """A command like no other gets no wild guess."""
    assert dev.unknown_sentence("qqqq") == "There is no command 'qqqq': './dev help' lists them all."


@pytest.mark.parametrize("version", [(2, 7), (3, 8), (3, 10)])
def test_old_python__is_too_old__says_what_to_install(dev: ModuleType, version: tuple[int, int]) -> None:
    """A Python that is too old gets one sentence."""
    assert dev.old_python_sentence(version) == (
        f"Python {version[0]}.{version[1]} is too old: install Python 3.11 or newer (with venv), or uv."
    )


@pytest.mark.parametrize("version", [(3, 11), (3, 13), (4, 0)])
def test_old_python__is_new_enough__says_nothing(dev: ModuleType, version: tuple[int, int]) -> None:
    """A Python that will do gets no sentence."""
    assert dev.old_python_sentence(version) == ""


def test_no_venv__names_the_package(dev: ModuleType) -> None:
    """A Python without venv is told the package of its version."""
    assert "install python3.12-venv" in dev.no_venv_sentence("3.12")


def test_script__syntax__is_read_by_python_3_8() -> None:
    """A Python too old for the project can still read the script and say so."""
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_script__imports__are_of_the_standard_library() -> None:
    """The script runs before anything is installed."""
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_main__byte_code_switched_off__is_written_all_the_same(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the script starts keeps its byte code, else each command compiles a thousand modules first."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    assert dev.main(["help"]) == 0

    assert "PYTHONDONTWRITEBYTECODE" not in os.environ


def test_pytest_words__a_path_given__runs_only_that(dev: ModuleType) -> None:
    """A path replaces the folder, an option does not."""
    assert dev.pytest_words("tests", ["tests/unit", "-x"]) == ["-m", "pytest", "tests/unit", "-x"]


def test_pytest_words__only_options__keep_the_folder(dev: ModuleType) -> None:
    """Options go to pytest along with the command's own folder."""
    words = dev.pytest_words("tests", ["-x"])
    assert words == ["-m", "pytest", "tests", "--ignore=tests/bench", "-n", "auto", "-x"]


def test_table__names_of_different_length__is_aligned(dev: ModuleType) -> None:
    """Outcomes stand below one another."""
    assert dev.table([("a", "ok", 1.0), ("long", "FAILED", 20.04)]) == (
        "a     ok         1.0 s\nlong  FAILED    20.0 s"
    )
