"""What would have to change in a project's settings, without changing anything."""

from copy import deepcopy
from typing import Any

import pytest
from django.conf import global_settings
from django.conf import settings as django_settings
from hypothesis import given
from hypothesis import strategies as st

from smartmodels.conf import Change, applied, autoconfigure

NAMESPACE = "smartmodels.tenancy.middleware.NamespaceMiddleware"
HANDLER = "REST_FRAMEWORK.EXCEPTION_HANDLER"
ADMIN, TENANTS, APP = "django.contrib.admin", "django_tenants", "smartmodels.apps.SmartModelsConfig"


def values_of(settings: Any) -> dict[str, Any]:
    # Django 6.1 warns of whoever reads a setting of mail.
    names = (name for name in dir(settings) if name.isupper() and not name.startswith("EMAIL_"))
    return {name: getattr(settings, name) for name in names}


@pytest.fixture
def ours() -> dict[str, Any]:
    """A copy of the project's own settings."""
    return deepcopy(values_of(django_settings))


def proposed(settings: dict[str, Any]) -> dict[str, Any]:
    return {change.setting: change.proposed for change in autoconfigure(settings)}


def test_our_own_settings__need_no_change(ours: Any) -> None:
    """The platform is set up as the library wants it."""
    assert autoconfigure(ours) == ()


def test_settings__with_all_changes_made__need_none() -> None:
    """One step is enough, even for a project that was just started."""
    fresh = values_of(global_settings)
    assert autoconfigure(applied(fresh, autoconfigure(fresh))) == ()


def test_settings__of_nothing_at_all__can_be_completed() -> None:
    """No setting is taken for granted."""
    assert autoconfigure(applied({}, autoconfigure({}))) == ()


def test_settings__that_were_looked_at__are_as_before() -> None:
    """The function is pure."""
    fresh = values_of(global_settings)
    before = deepcopy(fresh)
    applied(fresh, autoconfigure(fresh))
    assert fresh == before


@given(
    st.lists(st.sampled_from([ADMIN, TENANTS, APP, "django.contrib.auth", "shop", "blog"]), unique=True),
    st.lists(
        st.sampled_from(
            [
                NAMESPACE, "django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware", "my.IdentityMiddleware", "a.B",
                "c.D",
            ]
        ),
        unique=True,
    ),
)  # fmt: skip
def test_any_apps_and_middleware__can_be_completed_and_keep_their_own_order(
    apps: list[str], middleware: list[str]
) -> None:
    """Nothing of the project's is lost or turned round, and one step is enough."""
    settings = {**values_of(global_settings), "INSTALLED_APPS": apps, "MIDDLEWARE": middleware}
    changed = applied(settings, autoconfigure(settings))
    assert autoconfigure(changed) == ()
    assert [name for name in changed["INSTALLED_APPS"] if name in ("shop", "blog")] == [
        name for name in apps if name in ("shop", "blog")
    ]
    assert [name for name in changed["MIDDLEWARE"] if name in ("a.B", "c.D")] == [
        name for name in middleware if name in ("a.B", "c.D")
    ]


def test_apps__in_the_wrong_order__are_put_right(ours: Any) -> None:
    """The library's templates go before the admin's, and those before django-tenants'."""
    ours["INSTALLED_APPS"] = [
        TENANTS,
        ADMIN,
        *(n for n in ours["INSTALLED_APPS"] if n not in (TENANTS, ADMIN)),
    ]
    apps = proposed(ours)["INSTALLED_APPS"]
    assert apps.index(APP) < apps.index(ADMIN) < apps.index(TENANTS)


def test_middleware__with_the_namespace_in_the_middle__puts_it_first(ours: Any) -> None:
    """Before anything that could ask for it."""
    ours["MIDDLEWARE"] = [*ours["MIDDLEWARE"][1:], NAMESPACE]
    assert proposed(ours)["MIDDLEWARE"][0] == NAMESPACE


def test_identity__before_authentication__is_moved_behind_it(ours: Any) -> None:
    """Who acts is known afterwards only."""
    first, *others = ours["MIDDLEWARE"]
    identity = next(name for name in others if name.endswith("IdentityMiddleware"))
    ours["MIDDLEWARE"] = [first, identity, *(name for name in others if name != identity)]
    names = proposed(ours)["MIDDLEWARE"]
    assert names.index(identity) > names.index("django.contrib.auth.middleware.AuthenticationMiddleware")


def test_accounts__among_the_tenant_apps__are_moved_out(ours: Any) -> None:
    """They live once, for all namespaces."""
    ours["TENANT_APPS"] = [*ours["TENANT_APPS"], "django.contrib.auth"]
    assert "django.contrib.auth" not in proposed(ours)["TENANT_APPS"]


@pytest.mark.parametrize(
    ("name", "value", "setting", "wanted"),
    [
        ("SAFE_DELETE_FIELD_NAME", "deleted", "SAFE_DELETE_FIELD_NAME", "deleted_at"),
        ("DATABASE_ROUTERS", [], "DATABASE_ROUTERS", ["django_tenants.routers.TenantSyncRouter"]),
        ("USE_TZ", False, "USE_TZ", True),
        ("TENANT_DOMAIN_MODEL", None, "TENANT_DOMAIN_MODEL", "namespaces.Domain"),
        ("SMARTMODELS_OWNER_MODEL", "auth.User", "SMARTMODELS_OWNER_MODEL", "accounts.User"),
        ("SMARTMODELS_NAMESPACE_MODEL", "teams.Team", "TENANT_MODEL", "teams.Team"),
        ("SESSION_ENGINE", "", "SESSION_ENGINE", "shared_apps.accounts.sessions"),
        ("CACHES", {"fast": {}}, "CACHES.fast.KEY_FUNCTION", "smartmodels.tenancy.cache.make_key"),
        ("REST_FRAMEWORK", {}, HANDLER, "smartmodels.rest.problems.problem_handler"),
        (
            "DATABASES",
            {"default": {"ENGINE": "django.db.backends.postgresql"}},
            "DATABASES.default.ENGINE",
            "smartmodels.tenancy.engine",
        ),
    ],
)  # fmt: skip
def test_setting__that_is_wrong__is_proposed_anew(
    ours: Any, name: str, value: Any, setting: str, wanted: Any
) -> None:
    """With the value that is needed."""
    ours[name] = value
    assert proposed(ours)[setting] == wanted


def test_change__of_the_database__does_not_hold_its_password(ours: Any) -> None:
    """What is printed by the doctor may be read by others."""
    ours["DATABASES"] = {"default": {"ENGINE": "x", "PASSWORD": "hunter2"}}
    assert "hunter2" not in str(autoconfigure(ours))


def test_changes__applied__leave_the_rest_of_a_dictionary_alone() -> None:
    """One key of it is set."""
    settings = {"CACHES": {"default": {"BACKEND": "x"}}}
    change = Change("CACHES.default.KEY_FUNCTION", None, "y", "why")
    assert applied(settings, [change]) == {"CACHES": {"default": {"BACKEND": "x", "KEY_FUNCTION": "y"}}}


def test_every_change__says_why(ours: Any) -> None:
    """In a sentence."""
    assert all(change.why.endswith(".") for change in autoconfigure(values_of(global_settings)))
