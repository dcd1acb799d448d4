"""What a project's Django settings need in order to run smartmodels, as a pure function of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

__all__ = ["ENGINE", "KEY_FUNCTION", "NAMESPACE_MIDDLEWARE", "ROUTER", "Change", "applied", "autoconfigure"]

ENGINE = "smartmodels.tenancy.engine"
ROUTER = "django_tenants.routers.TenantSyncRouter"
NAMESPACE_MIDDLEWARE = "smartmodels.tenancy.middleware.NamespaceMiddleware"
KEY_FUNCTION = "smartmodels.tenancy.cache.make_key"

_APP = "smartmodels.apps.SmartModelsConfig"
_AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
_SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
_IDENTITY = "shared_apps.namespaces.middleware.IdentityMiddleware"
_HANDLER = "smartmodels.rest.problems.problem_handler"
_NAMESPACE_MODEL = "namespaces.Namespace"
_OF_DJANGO = ("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.postgres")

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that should be different; inside a dictionary its name has dots: ``CACHES.default.X``."""

    setting: str
    current: Any
    proposed: Any
    why: str


def autoconfigure(settings: Settings) -> tuple[Change, ...]:
    """Return what to change or add in ``settings`` to run smartmodels; nothing when all is well.

    The settings are only read. Lists keep what the project has in them, in its order, as far as they can.
    """
    return tuple(change for rule in _RULES for change in rule(settings))


def applied(settings: Settings, changes: Sequence[Change]) -> dict[str, Any]:
    """Return a copy of ``settings`` in which every change is made."""
    result: dict[str, Any] = dict(settings)
    for change in changes:
        name, *path = change.setting.split(".")
        if not path:
            result[name] = change.proposed
            continue
        place = result[name] = deepcopy(result.get(name) or {})
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = change.proposed
    return result


def _wanted(settings: Settings, name: str, proposed: Any, why: str) -> Iterator[Change]:
    if settings.get(name) != proposed:
        yield Change(name, settings.get(name), proposed, why)


def _placed(names: Sequence[str], name: str, *, after: Sequence[str], before: Sequence[str]) -> list[str]:
    """Return the names with ``name`` behind all of ``after`` and, if that can be, ahead of ``before``."""
    lowest = max((names.index(each) + 1 for each in after if each in names), default=0)
    highest = min((names.index(each) for each in before if each in names), default=len(names))
    if name in names and lowest <= names.index(name) < max(highest, lowest + 1):
        return list(names)
    others = [each for each in names if each != name]
    lowest = max((others.index(each) + 1 for each in after if each in others), default=0)
    highest = min((others.index(each) for each in before if each in others), default=len(others))
    others.insert(max(lowest, highest), name)
    return others


def _with_missing(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the names and, behind them, those wanted whose app (the last part) is not among them."""
    known = {name.rpartition(".")[2] for name in names}
    return [*names, *(name for name in wanted if name.rpartition(".")[2] not in known)]


def _label(settings: Settings, name: str, otherwise: str) -> str:
    return str(settings.get(name) or otherwise).partition(".")[0]


def _apps(settings: Settings) -> Iterator[Change]:
    tenant = [name for name in settings.get("TENANT_APPS") or () if name not in _OF_DJANGO]
    tenant = _with_missing(tenant, [f"tenant_apps.{_label(settings, 'SMARTMODELS_LEDGER_APP', 'ledger')}"])
    shared = _with_missing([], [f"shared_apps.{label}" for label in _shared_labels(settings)])
    current = list(settings.get("INSTALLED_APPS") or ())
    app = "smartmodels" if "smartmodels" in current else _APP
    proposed = _placed(current, app, after=(), before=("django.contrib.admin", "django_tenants"))
    proposed = _placed(proposed, "django_tenants", after=("django.contrib.admin", app), before=())
    proposed += [name for name in (*_OF_DJANGO, "simple_history", "safedelete") if name not in proposed]
    proposed = _with_missing(proposed, [*shared, *tenant])
    if proposed != current:
        why = "The library and what it stands on; its templates go before the admin's and django-tenants'."
        yield Change("INSTALLED_APPS", current, proposed, why)
    if list(settings.get("TENANT_APPS") or ()) != tenant:
        why = "Apps whose rows live in every namespace; accounts and content types live once, for all."
        yield Change("TENANT_APPS", settings.get("TENANT_APPS"), tenant, why)
    once = [name for name in proposed if name not in tenant]
    if set(settings.get("SHARED_APPS") or ()) != set(once):
        why = "Apps whose rows live once, in the public schema: all that are no tenant apps."
        yield Change("SHARED_APPS", settings.get("SHARED_APPS"), once, why)


def _shared_labels(settings: Settings) -> Iterator[str]:
    """Return the labels of the apps that hold the concrete models of the library."""
    user = settings.get("AUTH_USER_MODEL")
    yield "accounts" if user in (None, "auth.User") else str(user).partition(".")[0]
    said = settings.get("SMARTMODELS_NAMESPACE_MODEL") or settings.get("TENANT_MODEL")
    yield str(said or _NAMESPACE_MODEL).partition(".")[0]
    yield _label(settings, "SMARTMODELS_GRANT_MODEL", "sharing")
    yield "operations"


def _middleware(settings: Settings) -> Iterator[Change]:
    current = list(settings.get("MIDDLEWARE") or ())
    proposed = [NAMESPACE_MIDDLEWARE, *(name for name in current if name != NAMESPACE_MIDDLEWARE)]
    proposed += [] if _SESSIONS in proposed else [_SESSIONS]
    proposed = _placed(proposed, _AUTHENTICATION, after=(_SESSIONS,), before=())
    identity = next((name for name in proposed if name.endswith(".IdentityMiddleware")), _IDENTITY)
    if identity not in proposed:
        proposed.insert(proposed.index(_AUTHENTICATION) + 1, identity)
    proposed = _placed(proposed, identity, after=(_AUTHENTICATION,), before=())
    if proposed != current:
        why = "The namespace before everything else; who acts right after authentication."
        yield Change("MIDDLEWARE", current, proposed, why)


def _database(settings: Settings) -> Iterator[Change]:
    engine = ((settings.get("DATABASES") or {}).get("default") or {}).get("ENGINE")
    if engine != ENGINE:
        why = "Connections that follow the bound namespace, and say who acts."
        yield Change("DATABASES.default.ENGINE", engine, ENGINE, why)
    routers = list(settings.get("DATABASE_ROUTERS") or ())
    if ROUTER not in routers:
        why = "Migrations of tenant apps run in namespaces, those of shared apps in public."
        yield Change("DATABASE_ROUTERS", routers, [ROUTER, *routers], why)


def _models(settings: Settings) -> Iterator[Change]:
    said = settings.get("SMARTMODELS_NAMESPACE_MODEL")
    namespace = said or settings.get("TENANT_MODEL") or _NAMESPACE_MODEL
    yield from _wanted(settings, "TENANT_MODEL", namespace, "django-tenants' name of the namespace model.")
    if not settings.get("TENANT_DOMAIN_MODEL"):
        domain = f"{namespace.partition('.')[0]}.Domain"
        yield Change("TENANT_DOMAIN_MODEL", None, domain, "The model of a namespace's hosts.")
    owner, user = settings.get("SMARTMODELS_OWNER_MODEL"), settings.get("AUTH_USER_MODEL")
    if owner is not None and owner != user:
        why = "Private mode: owners are accounts. None means shared mode."
        yield Change("SMARTMODELS_OWNER_MODEL", owner, user, why)


def _identity(settings: Settings) -> Iterator[Change]:
    if settings.get("AUTH_USER_MODEL") in (None, "auth.User"):
        why = "Accounts are known by a UUID, which is what owners of rows are."
        yield Change("AUTH_USER_MODEL", settings.get("AUTH_USER_MODEL"), "accounts.User", why)
    backends = settings.get("AUTHENTICATION_BACKENDS")
    if not backends or "django.contrib.auth.backends.ModelBackend" in backends:
        why = "Only members log in to a namespace."
        proposed = ["shared_apps.namespaces.backends.MembershipBackend"]
        yield Change("AUTHENTICATION_BACKENDS", backends, proposed, why)
    engine = settings.get("SESSION_ENGINE")
    if not engine or engine.startswith("django.contrib.sessions."):
        why = "A session is good in the namespace it was made in, and nowhere else."
        yield Change("SESSION_ENGINE", engine, "shared_apps.accounts.sessions", why)


def _packages(settings: Settings) -> Iterator[Change]:
    yield from _wanted(
        settings, "SAFE_DELETE_FIELD_NAME", "deleted_at", "The column that marks deleted rows."
    )
    yield from _wanted(settings, "USE_TZ", True, "Times in history are times with a zone.")
    if settings.get("ROOT_URLCONF") and not settings.get("PUBLIC_URLCONF"):
        yield Change(
            "PUBLIC_URLCONF", None, settings.get("ROOT_URLCONF"), "The addresses of the public host."
        )
    for alias, cache in (settings.get("CACHES") or {"default": {}}).items():
        found = cache.get("KEY_FUNCTION")
        if found != KEY_FUNCTION:
            why = "Keys carry the namespace: no namespace reads what another one cached."
            yield Change(f"CACHES.{alias}.KEY_FUNCTION", found, KEY_FUNCTION, why)
    handler = (settings.get("REST_FRAMEWORK") or {}).get("EXCEPTION_HANDLER")
    if "rest_framework" in (settings.get("INSTALLED_APPS") or ()) and handler != _HANDLER:
        why = "Errors are answered as problem documents (RFC 9457)."
        yield Change("REST_FRAMEWORK.EXCEPTION_HANDLER", handler, _HANDLER, why)


_RULES: tuple[Callable[[Settings], Iterator[Change]], ...] = (
    _apps, _middleware, _database, _models, _identity, _packages,
)  # fmt: skip
