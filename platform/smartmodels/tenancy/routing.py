"""From host to namespace, cached in the process, forgotten as soon as anything changes.

A trigger on the namespace and domain tables sends a notification with every change; each process listens
on a connection of its own (:mod:`smartmodels.tenancy.listening`). Entries count only while that
connection is up, so a process that cannot hear asks the database every time.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from smartmodels.conf import settings
from smartmodels.context import public_scope
from smartmodels.exceptions import (
    HostUnknown,
    NamespaceBehind,
    NamespaceNotActive,
    NamespaceSuspended,
    SmartModelsError,
)
from smartmodels.tenancy.errors import HostMoved, NamespaceArchived, NamespaceUnderMaintenance
from smartmodels.tenancy.listening import Listener
from smartmodels.tenancy.migrating.requiring import lacks_required, with_behind
from smartmodels.tenancy.models import HostState, State, get_domain_model
from smartmodels.tenancy.names import fold_host, public_hosts

__all__ = [
    "clear_routes",
    "closed_for",
    "known_namespace",
    "namespace_for_host",
    "require_known",
    "require_served",
    "stop_listening",
]

_CAPACITY = 10_000

# Looked up once: to find a member in its enumeration costs more than all else that a request asks here.
_SUSPENDED, _MAINTENANCE, _ARCHIVED = State.SUSPENDED, State.MAINTENANCE, State.ARCHIVED
_GONE = frozenset({State.DELETED, State.DELETING})
_UNFINISHED = frozenset({State.RESERVED, State.CREATING, State.LOADING, State.FAILED})


@dataclass(frozen=True, slots=True)
class _Entry:
    """Whose the host is, and where it leads when it is a former one; nobody's has no namespace."""

    namespace: Any
    moved_to: str | None
    expires: float


class _Routes:
    """The cache: host -> entry; that nobody serves a host is kept as well."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._listener = Listener("smartmodels_routing", self.clear)

    def get(self, host: str) -> _Entry | None:
        entry = self._entries.get(host)
        if entry is None or entry.expires < time.monotonic() or not self._listener.hears():
            return None
        return entry

    def put(self, host: str, entry: _Entry, generation: int) -> None:
        """Keep what was read, unless something changed since the reading began."""
        # What is behind is asked every time: it is announced to nobody when it has caught up.
        if entry.namespace is not None and entry.namespace.is_behind:
            return
        # A pooler in transaction mode takes LISTEN and delivers nothing.
        if settings().ROUTING_TTL <= 0 or settings().POOLER:
            return
        if generation != self._listener.generation or not self._listener.hears():
            return
        if len(self._entries) >= _CAPACITY:
            self._entries.clear()
        self._entries[host] = entry

    @property
    def generation(self) -> int:
        return self._listener.generation

    def clear(self) -> None:
        self._entries.clear()

    def stop(self) -> None:
        self._listener.stop()
        self.clear()


_routes = _Routes()


def clear_routes() -> None:
    """Forget every cached host of this process."""
    _routes.clear()


def stop_listening() -> None:
    """Close the listening connection, for tests that drop the database."""
    _routes.stop()


def _read(host: str) -> _Entry:
    expires = time.monotonic() + settings().ROUTING_TTL
    with public_scope():
        hosts = get_domain_model().objects
        found = with_behind(hosts.select_related("tenant")).filter(domain=host)
        domain = found.exclude(state=HostState.PENDING).first()
        if domain is None:
            return _Entry(None, None, expires)
        domain.tenant.is_behind = getattr(domain, "is_behind", False)
        if domain.state != HostState.REDIRECT:
            return _Entry(domain.tenant, None, expires)
        primary = hosts.filter(tenant=domain.tenant, state=HostState.SERVED).order_by("-is_primary", "domain")
        moved_to = primary.values_list("domain", flat=True).first()
    return _Entry(domain.tenant if moved_to else None, moved_to, expires)


_NOBODY = "Nothing is served on this host: check the address."


def namespace_for_host(raw_host: str) -> Any:
    """Return the namespace served on a host, or None for the public site.

    Case, port and a trailing dot do not matter. Raises HostUnknown, and HostMoved for a former host of a
    namespace, with the primary one in its details. A warm call sends no query.
    """
    host = fold_host(raw_host)
    if host in public_hosts():
        return None
    entry = _routes.get(host)
    if entry is None:
        generation = _routes.generation
        entry = _read(host)
        _routes.put(host, entry, generation)
    if entry.namespace is None:
        raise HostUnknown(_NOBODY)
    if entry.moved_to is not None:
        require_known(entry.namespace)
        raise HostMoved(f"This namespace is served on {entry.moved_to} now.", host=entry.moved_to)
    return entry.namespace


def known_namespace(host: str) -> Any:
    """Return the namespace of a host that was looked up a while ago, written just so; None says nothing."""
    entry = _routes.get(host)
    return None if entry is None or entry.moved_to is not None else entry.namespace


def require_known(namespace: Any) -> None:
    """Raise for what is served to nobody at all.

    Raises HostUnknown, NamespaceArchived, NamespaceNotActive or NamespaceBehind.
    """
    state = namespace.state
    if state in _GONE:
        raise HostUnknown(_NOBODY)
    if state == _ARCHIVED:
        raise NamespaceArchived("This namespace is archived: ask its operator to bring it back.")
    if state in _UNFINISHED:
        raise NamespaceNotActive(
            "This namespace is not ready yet: try again shortly.", retry_after=settings().RETRY_AFTER
        )
    if namespace.is_behind:
        raise NamespaceBehind(
            "This namespace is being brought up to date: try again shortly.",
            retry_after=settings().RETRY_AFTER,
        )


def closed_for(namespace: Any) -> SmartModelsError | None:
    """Return what everybody but staff is told of a suspended namespace or one under maintenance, or None.

    ``retry_after`` is in seconds.
    """
    state = namespace.state
    if state == _SUSPENDED:
        return NamespaceSuspended(
            "This namespace is suspended: ask its operator to resume it.",
            retry_after=settings().SUSPENDED_RETRY_AFTER,
        )
    if state == _MAINTENANCE:
        after = settings().MAINTENANCE_RETRY_AFTER
        if namespace.back_at is not None:
            after = max(1, math.ceil((namespace.back_at - timezone.now()).total_seconds()))
        return NamespaceUnderMaintenance(
            namespace.notice or "This namespace is under maintenance: try again later.", retry_after=after
        )
    return None


def require_served(namespace: Any) -> None:
    """Raise what a request to the namespace's own host would be answered with, if it is not served now."""
    namespace.is_behind = lacks_required(namespace.schema_name)
    require_known(namespace)
    if (closed := closed_for(namespace)) is not None:
        raise closed
