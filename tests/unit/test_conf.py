"""The library's settings: read once, documented, overridden by name."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smartmodels.conf import SmartModelsSettings
from smartmodels.conf import settings as load

ROOT = Path(__file__).resolve().parents[2]


def test_setting__that_is_given__is_in_force(settings: Any) -> None:
    """As SMARTMODELS_ and its name."""
    settings.SMARTMODELS_PAGE_SIZE = 7
    assert load().PAGE_SIZE == 7


def test_setting__that_is_not_given__has_its_default() -> None:
    """Nothing has to be set."""
    assert load().PAGE_SIZE == SmartModelsSettings().PAGE_SIZE


def test_settings__asked_for_twice__are_the_same_object() -> None:
    """They are read once."""
    assert load() is load()


def test_namespace_model__said_by_tenant_model_alone__is_that(settings: Any) -> None:
    """One spelling is enough."""
    settings.TENANT_MODEL = "teams.Team"
    assert load().NAMESPACE_MODEL == "teams.Team"


def test_namespace_model__said_in_both_spellings__is_ours(settings: Any) -> None:
    """A check tells of the disagreement."""
    settings.TENANT_MODEL, settings.SMARTMODELS_NAMESPACE_MODEL = "teams.Team", "crews.Crew"
    assert load().NAMESPACE_MODEL == "crews.Crew"


@pytest.mark.parametrize("name", ["PRIVATE_STAFF", "HIDE_SERVICE_OWNERS"])
def test_setting__that_would_show_or_hide_more__is_off_by_default(name: str) -> None:
    """A project says so itself."""
    assert getattr(SmartModelsSettings(), name) is False


PROGRAM = """
import sys
from config import settings as ours
given = {name: getattr(ours, name) for name in dir(ours) if name.isupper() and name != "TENANT_MODEL"}
import django
from django.conf import settings
settings.configure(**given, SMARTMODELS_NAMESPACE_MODEL="namespaces.Namespace")
django.setup()
from django_tenants.utils import get_tenant_model
print(get_tenant_model()._meta.label)
"""


def test_tenant_model__that_is_not_set__is_the_namespace_model() -> None:
    """django-tenants finds it under its own name."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT / "platform"), str(ROOT))),
        "DATABASE_URL": "postgresql:///nowhere",
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "namespaces.Namespace", done.stderr
