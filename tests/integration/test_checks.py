"""Every mistake in settings or models has a check, and every check has an id."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.core.checks.registry import registry
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.test.utils import isolate_apps

from shared_apps.accounts.models import User
from smartmodels.checks import check_models, check_settings
from smartmodels.checks.models import faults_of
from smartmodels.models import SmartModel, UniqueAlive
from smartmodels.models.options import SmartOptions
from tenant_apps.research.models import Study
from tests.zoo.models import Keeper

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ROOT / "platform" / "smartmodels" / "checks"
PAGE = ROOT / "docs" / "reference" / "checks.md"
ZOO = "tests.zoo"


def ids(messages: Any) -> list[str]:
    return [message.id for message in messages]


def test_our_own_project__passes_every_check() -> None:
    """With the zoo of the tests, too."""
    assert run_checks() == []


def test_checks__are_registered() -> None:
    """manage.py runs them before every command."""
    registered = {check.__name__ for check in registry.get_checks()}
    assert {"check_settings", "check_models"} <= registered


# Settings

NAMESPACE = "smartmodels.tenancy.middleware.NamespaceMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
IDENTITY = "shared_apps.namespaces.middleware.IdentityMiddleware"
NAMESPACED = {"KEY_FUNCTION": "smartmodels.tenancy.cache.make_key"}


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("SMARTMODELS_OWNER_MODEL", "auth.User", "E001"),
        ("SMARTMODELS_NAMESPACE_MODEL", "sharing.Team", "E002"),
        ("DATABASES", {"default": {"ENGINE": "django.db.backends.postgresql"}}, "E003"),
        ("DATABASE_ROUTERS", [], "E004"),
        ("MIDDLEWARE", ["a.B", NAMESPACE, AUTHENTICATION, IDENTITY], "E005"),
        ("MIDDLEWARE", [AUTHENTICATION, IDENTITY], "E005"),
        ("MIDDLEWARE", [NAMESPACE, IDENTITY, AUTHENTICATION], "E006"),
        ("MIDDLEWARE", [NAMESPACE, AUTHENTICATION], "E006"),
        ("SAFE_DELETE_FIELD_NAME", "deleted", "E007"),
        ("SMARTMODELS_SENTINEL_UID", "nobody", "E008"),
        ("SMARTMODELS_SERVICE_UIDS", ["robot"], "E009"),
        ("SMARTMODELS_SERVICE_UIDS", "00000000-0000-7000-8000-000000000009", "E009"),
        ("CACHES", {"default": NAMESPACED, "fast": {}}, "E010"),
        ("SHARED_APPS", [], "E011"),
    ],
)
def test_setting__that_is_wrong__has_its_check(
    settings: Any, monkeypatch: Any, name: str, value: Any, number: str
) -> None:
    """That one, and no other."""
    # Past the signal: overriding DATABASES warns, and nothing here connects.
    monkeypatch.setattr(django_settings, name, value) if name == "DATABASES" else setattr(
        settings, name, value
    )
    assert ids(check_settings()) == [f"smartmodels.{number}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMARTMODELS_OWNER_MODEL", "accounts.User"),
        ("SMARTMODELS_SERVICE_UIDS", ("00000000-0000-7000-8000-000000000009",)),
        ("MIDDLEWARE", [NAMESPACE, "a.B", AUTHENTICATION, "c.D", "my.own.IdentityMiddleware"]),
    ],
)
def test_setting__that_is_right__passes(settings: Any, name: str, value: Any) -> None:
    """A check that always speaks says nothing."""
    setattr(settings, name, value)
    assert check_settings() == []


def test_app__that_is_shared_and_of_tenants__has_its_check(settings: Any) -> None:
    """The message names it."""
    settings.TENANT_APPS = [*settings.TENANT_APPS, "shared_apps.sharing"]
    [message] = check_settings()
    assert (message.id, "shared_apps.sharing" in message.msg) == ("smartmodels.E011", True)


# Models


@pytest.mark.parametrize(
    ("options", "number"),
    [
        (SmartOptions(history_exclude=("nothing",)), "E020"),
        (SmartOptions(history_exclude=("owner",)), "E021"),
        (SmartOptions(history_exclude=("deleted_at",)), "E021"),
        (SmartOptions(history_m2m=("name",)), "E022"),
        (SmartOptions(history_m2m=("nothing",)), "E022"),
        (SmartOptions(personal=("enclosure",)), "E023"),
        (SmartOptions(personal=("nothing",)), "E023"),
        (SmartOptions(unique_alive=(UniqueAlive(("nothing",)),)), "E024"),
        (SmartOptions(retention=timedelta(0)), "E025"),
        (SmartOptions(retention=timedelta(days=-1)), "E025"),
        (SmartOptions(retention=30), "E025"),  # type: ignore[arg-type]
    ],
)
def test_class_smart__with_a_mistake__has_its_check(
    monkeypatch: Any, options: SmartOptions, number: str
) -> None:
    """That one, and no other."""
    monkeypatch.setattr(Keeper, "smart", options)
    assert ids(faults_of(Keeper)) == [f"smartmodels.{number}"]


@isolate_apps(ZOO)
def test_model__that_inherits_the_table_of_another__has_its_check() -> None:
    """A proxy is what is wanted, or an abstract model."""

    class Cook(Keeper):
        __module__ = Keeper.__module__

        class Meta:
            app_label = "zoo"

    assert "smartmodels.E026" in ids(faults_of(Cook))


@isolate_apps(ZOO)
def test_proxy__of_a_smart_model__passes() -> None:
    """It has no table."""

    class Cook(Keeper):
        class Meta:
            app_label = "zoo"
            proxy = True

    assert faults_of(Cook) == []


@isolate_apps("shared_apps.operations")
def test_smart_model__in_a_shared_app__has_its_check() -> None:
    """The ledger of its history would be missing."""

    class Lost(SmartModel):
        __module__ = "shared_apps.operations.models"

        class Meta:
            app_label = "operations"

    assert ids(faults_of(Lost)) == ["smartmodels.E027"]


@isolate_apps(ZOO)
def test_constraint__from_a_namespace_to_public__has_its_check() -> None:
    """On any model of a tenant app, smart or not."""

    class Badge(models.Model):  # noqa: DJ008
        holder = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "zoo"

    [message] = faults_of(Badge)
    assert (message.id, "Badge.holder" in message.msg) == ("smartmodels.E028", True)


@isolate_apps(ZOO)
def test_key__from_a_namespace_to_public__without_a_constraint_passes() -> None:
    """That is how it is done."""

    class Badge(models.Model):  # noqa: DJ008
        holder = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_constraint=False)

        class Meta:
            app_label = "zoo"

    assert faults_of(Badge) == []


@isolate_apps(ZOO)
def test_file_field__with_a_storage_of_all_namespaces__has_its_check() -> None:
    """The project's own storage passes."""

    class Badge(models.Model):  # noqa: DJ008
        photo = models.FileField(storage=FileSystemStorage())
        other = models.FileField()

        class Meta:
            app_label = "zoo"

    [message] = faults_of(Badge)
    assert (message.id, "Badge.photo" in message.msg) == ("smartmodels.W030", True)


@isolate_apps(ZOO)
def test_smart_model__with_a_first_manager_of_its_own__has_its_check() -> None:
    """One that knows nothing of deleted rows."""

    class Cook(SmartModel):
        __module__ = Keeper.__module__
        objects = models.Manager()

        class Meta(SmartModel.Meta):
            app_label = "zoo"

    assert ids(faults_of(Cook)) == ["smartmodels.E029"]


def test_checks_of_models__of_some_apps__look_at_these_alone(monkeypatch: Any) -> None:
    """`manage.py check research` does."""
    monkeypatch.setattr(Study, "smart", SmartOptions(history_exclude=("nothing",)))
    assert check_models(app_configs=[apps.get_app_config("zoo")]) == []
    assert ids(check_models(app_configs=[apps.get_app_config("research")])) == ["smartmodels.E020"]


# The page


def test_page_of_checks__lists_exactly_those_there_are() -> None:
    """None is missing, none is made up."""
    code = "".join(path.read_text() for path in CHECKS.glob("*.py"))
    listed = re.findall(r"^\| `smartmodels\.([EW]\d{3})` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(set(re.findall(r"\b([EW]\d{3})\b", code)))


def test_every_check__has_a_test_that_fails_without_it() -> None:
    """Each id in the code of this room's two modules stands in this file."""
    code = "".join((CHECKS / name).read_text() for name in ("models.py", "settings.py"))
    here = Path(__file__).read_text()
    assert [number for number in set(re.findall(r"\b(E\d{3})\b", code)) if here.count(number) == 0] == []
