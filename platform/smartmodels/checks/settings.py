"""Check that the project is set up as the library needs it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, register

from smartmodels.conf import GivenSettings, autoconfigure, settings
from smartmodels.conf.autoconfiguring import ENGINE, KEY_FUNCTION, NAMESPACE_MIDDLEWARE, ROUTER

__all__ = ["check_settings"]

_AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
_DOCTOR = "`manage.py smartmodels doctor` prints the value that is needed."


def _own(name: str) -> Any:
    """Return a setting of Django's, None if it is not there."""
    return getattr(django_settings, name, None)


def _owner_model() -> Iterator[CheckMessage]:
    """Check whether owners are accounts."""
    owner = settings().OWNER_MODEL
    if owner is not None and owner != _own("AUTH_USER_MODEL"):
        yield Error(
            f"SMARTMODELS_OWNER_MODEL is {owner!r}, but accounts are {_own('AUTH_USER_MODEL')!r}.",
            hint="Set it to AUTH_USER_MODEL for private mode, or remove it for shared mode.",
            id="smartmodels.E001",
        )


def _namespace_model() -> Iterator[CheckMessage]:
    """Check whether both spellings name one model."""
    if _own("TENANT_MODEL") != settings().NAMESPACE_MODEL:
        yield Error(
            f"SMARTMODELS_NAMESPACE_MODEL is {settings().NAMESPACE_MODEL!r}, "
            f"but TENANT_MODEL is {_own('TENANT_MODEL')!r}.",
            hint="They are two spellings of one setting: set one of them, or both to the same.",
            id="smartmodels.E002",
        )


def _engine() -> Iterator[CheckMessage]:
    """Check the engine."""
    databases: dict[str, Any] = django_settings.DATABASES
    found = databases.get("default", {}).get("ENGINE")
    if found != ENGINE:
        yield Error(
            f"The database's ENGINE is {found!r}: it does not follow the bound namespace.",
            hint=f"Set DATABASES['default']['ENGINE'] to {ENGINE!r}.",
            id="smartmodels.E003",
        )


def _router() -> Iterator[CheckMessage]:
    """Check the router."""
    if ROUTER not in django_settings.DATABASE_ROUTERS:
        yield Error(
            "DATABASE_ROUTERS lacks django-tenants' router: tables would be made in the wrong schemas.",
            hint=f"Add {ROUTER!r}.",
            id="smartmodels.E004",
        )


def _namespace_middleware() -> Iterator[CheckMessage]:
    """Check where the namespace is bound."""
    if list(django_settings.MIDDLEWARE)[:1] != [NAMESPACE_MIDDLEWARE]:
        yield Error(
            "NamespaceMiddleware does not stand first: what runs before it knows no namespace.",
            hint=f"Put {NAMESPACE_MIDDLEWARE!r} at the head of MIDDLEWARE.",
            id="smartmodels.E005",
        )


def _identity_middleware() -> Iterator[CheckMessage]:
    """Check where it is settled who acts."""
    names = list(django_settings.MIDDLEWARE)
    identity = next((name for name in names if name.endswith(".IdentityMiddleware")), None)
    if identity is None or _AUTHENTICATION not in names[: names.index(identity)]:
        yield Error(
            "No IdentityMiddleware stands behind AuthenticationMiddleware: requests write in nobody's name.",
            hint=_DOCTOR,
            id="smartmodels.E006",
        )


def _delete_field() -> Iterator[CheckMessage]:
    """Check the column that marks deleted rows."""
    found = _own("SAFE_DELETE_FIELD_NAME")
    if found != "deleted_at":
        yield Error(
            f"SAFE_DELETE_FIELD_NAME is {found!r}: deleted rows would be visible.",
            hint="Set it to 'deleted_at'.",
            id="smartmodels.E007",
        )


def _is_key(value: Any) -> bool:
    try:
        uuid.UUID(value)
    except (ValueError, TypeError, AttributeError):
        return False
    return True


def _sentinel() -> Iterator[CheckMessage]:
    """Check the sentinel's key."""
    if not _is_key(settings().SENTINEL_UID):
        yield Error(
            f"SMARTMODELS_SENTINEL_UID is {settings().SENTINEL_UID!r}, which is no UUID in text.",
            hint="Leave it out, or write it as '00000000-0000-7000-8000-000000000001'.",
            id="smartmodels.E008",
        )


def _services() -> Iterator[CheckMessage]:
    """Check the keys of services."""
    given = settings().SERVICE_UIDS
    wrong = [given] if isinstance(given, str) else [uid for uid in given if not _is_key(uid)]
    if wrong:
        yield Error(
            f"SMARTMODELS_SERVICE_UIDS holds what is no UUID in text: {', '.join(map(repr, wrong))}.",
            hint="List the keys of the services' accounts, each as text.",
            id="smartmodels.E009",
        )


def _caches() -> Iterator[CheckMessage]:
    """Check the keys of caches."""
    caches: dict[str, Any] = django_settings.CACHES
    for alias, cache in caches.items():
        if cache.get("KEY_FUNCTION") != KEY_FUNCTION:
            yield Error(
                f"Keys of the cache {alias!r} do not carry the namespace: one would read another's entries.",
                hint=f"Set CACHES[{alias!r}]['KEY_FUNCTION'] to {KEY_FUNCTION!r}.",
                id="smartmodels.E010",
            )


def _placement() -> Iterator[CheckMessage]:
    """Check what is installed, and for whom."""
    both = sorted(set(_own("SHARED_APPS") or ()) & set(_own("TENANT_APPS") or ()))
    lost = sorted(
        change.setting
        for change in autoconfigure(GivenSettings())
        if change.setting in ("INSTALLED_APPS", "SHARED_APPS", "TENANT_APPS")
    )
    if both or lost:
        what = f"{', '.join(both)} stand in both" if both else f"{', '.join(lost)} should be different"
        yield Error(
            f"SHARED_APPS and TENANT_APPS do not divide INSTALLED_APPS: {what}.",
            hint=_DOCTOR,
            id="smartmodels.E011",
        )


_CHECKS: tuple[Callable[[], Iterator[CheckMessage]], ...] = (
    _owner_model, _namespace_model, _engine, _router, _namespace_middleware, _identity_middleware,
    _delete_field, _sentinel, _services, _caches, _placement,
)  # fmt: skip


@register("smartmodels")
def check_settings(**_: Any) -> list[CheckMessage]:
    """Return what is wrong with the settings."""
    return [message for check in _CHECKS for message in check()]
