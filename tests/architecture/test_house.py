"""The house: what stands where, and which walls hold."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.architecture.sources import ROOT, files

TOP_LEVEL = {
    ".ci", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "deploy", "dev", "docker-compose.yml",
    "docs", "manage.py", "platform", "pyproject.toml", "shared_apps", "tenant_apps", "tests",
}  # fmt: skip
ADDRESS = re.compile(r"://|--(extra-)?index-url|--find-links|\bpypi\.org\b|@ *file:")


def test_top_level__of_the_checkout__holds_what_it_should() -> None:
    """Exactly these, and dot-files."""
    shown = {path.name for path in ROOT.iterdir() if not path.name.startswith((".", "__pycache__"))}
    assert shown | {".ci"} == TOP_LEVEL


def test_platform__as_a_source_root__is_no_package() -> None:
    """With an __init__.py it would shadow the standard library's module of this name."""
    assert list((ROOT / "platform").glob("__init__.*")) == []


@pytest.mark.parametrize("folder", [ROOT, ROOT / "platform"])
def test_standard_library__from_the_checkout__is_the_standard_library(folder: Path) -> None:
    """`import uuid` asks `platform` what it runs on."""
    program = "import platform, uuid; print(platform.python_version(), uuid.uuid4())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_tests__of_the_platform__are_no_package_of_its_name() -> None:
    """A tests/platform/__init__.py would do the same harm."""
    assert not (ROOT / "tests" / "platform").exists()


@pytest.mark.parametrize(("apps", "folder"), [("SHARED_APPS", "shared_apps"), ("TENANT_APPS", "tenant_apps")])
def test_apps__installed__are_those_in_the_folder(apps: str, folder: str) -> None:
    """The folder decides."""
    installed = {name for name in getattr(settings, apps) if name.startswith(f"{folder}.")}
    assert installed == {f"{folder}.{path.parent.name}" for path in (ROOT / folder).glob("*/__init__.py")}


def test_apps__shared_and_of_tenants__have_none_in_common() -> None:
    """No app is in both: its tables would be in public and in every namespace."""
    assert set(settings.SHARED_APPS) & set(settings.TENANT_APPS) == set()


def test_tenant_apps__installed__come_from_their_folder() -> None:
    """Nothing else has tables in the namespaces' schemas."""
    assert {name.partition(".")[0] for name in settings.TENANT_APPS} - {"tests"} == {"tenant_apps"}


def test_contracts__of_import_linter__are_kept() -> None:
    """Storeys, rooms and doors."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("lock", files("deploy", suffix=".lock"), ids=lambda path: path.name)
def test_lock_file__with_its_hashes__names_no_host(lock: Path) -> None:
    """It works with whatever index the reader uses."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if ADDRESS.search(line.partition("#")[0])] == []
    assert any("--hash=" in line for line in lines)
