"""A new tenant app: five files, no other edit, and it has an API."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.support.databases import ROOT

SERVED = """
import django; django.setup()
from django.core.management import call_command
from smartmodels.rest.documents import openapi_document
try:
    call_command("makemigrations", "field_trips", check_changes=True, dry_run=True, verbosity=0)
except SystemExit:
    print(False)
else:
    print(True)
paths = openapi_document("config.urls_namespace", "", "")["paths"]
print(*sorted(path for path in paths if "/field-trips/" in path))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the sources."""
    ignore = shutil.ignore_patterns("__pycache__", "data", "static")
    for name in ("platform", "shared_apps", "tenant_apps"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    (tmp_path / "tests" / "integration").mkdir(parents=True)
    return tmp_path


def run(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy, as manage.py does."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(checkout / "platform"), str(checkout))),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SMARTMODELS_DATA": str(checkout / ".data"),
    }
    return subprocess.run(
        [sys.executable, *words], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def files_of(checkout: Path) -> set[str]:
    found = {*checkout.glob("tenant_apps/field_trips/**/*.py"), *checkout.glob("tests/**/*.py")}
    return {str(path.relative_to(checkout)) for path in found}


def test_startresource__new_app__is_complete(committing: object, checkout: Path) -> None:
    """Its files are there, its migration is up to date, its endpoints are served."""
    made = run(checkout, "-m", "django", "startresource", "field_trips")
    assert made.returncode == 0, made.stderr
    assert files_of(checkout) == {
        "tenant_apps/field_trips/__init__.py",
        "tenant_apps/field_trips/models.py",
        "tenant_apps/field_trips/viewsets.py",
        "tenant_apps/field_trips/migrations/__init__.py",
        "tenant_apps/field_trips/migrations/0001_initial.py",
        "tests/integration/test_field_trips.py",
    }
    assert run(checkout, "-c", SERVED).stdout.split() == [
        "True",
        "/api/v1/field-trips/",
        "/api/v1/field-trips/count/",
        "/api/v1/field-trips/find/",
        "/api/v1/field-trips/findOne/",
        "/api/v1/field-trips/import/",
        "/api/v1/field-trips/restore/",
        "/api/v1/field-trips/{id}/",
        "/api/v1/field-trips/{id}/activities/",
        "/api/v1/field-trips/{id}/activities/rows/",
        "/api/v1/field-trips/{id}/activities/rows/{activity}/",
        "/api/v1/field-trips/{id}/diff/",
        "/api/v1/field-trips/{id}/history/",
        "/api/v1/field-trips/{id}/history/{version}/",
        "/api/v1/field-trips/{id}/namespaces/",
        "/api/v1/field-trips/{id}/restore/",
        "/api/v1/field-trips/{id}/revert/",
    ]


def test_startresource__migration_fails__keeps_nothing(committing: object, checkout: Path) -> None:
    """A half-made app is removed again."""
    command = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "import smartmodels.management.commands.startresource as module\n"
        "module._MODELS = module.Template('import nothing_of_this_name')\n"
        "call_command('startresource', 'field_trips')\n"
    )
    failed = run(checkout, "-c", command)
    assert ("Nothing was kept" in failed.stderr, files_of(checkout)) == (True, set())


def test_startresource__word_of_python__is_said_to_be_one(committing: object) -> None:
    """The name keeps all the rules that the other message lists."""
    with pytest.raises(CommandError, match="'class' is a word of Python"):
        call_command("startresource", "class")
