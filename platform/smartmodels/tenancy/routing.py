"""From host to namespace, cached in the process, forgotten as soon as anything changes.

A trigger on the namespace and domain tables sends a notification with every change; each process listens
on a connection of its own (:mod:`smartmodels.tenancy.listening`). Entries count only while that
connection is up, so a process that cannot hear asks the database every time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from smartmodels.conf import settings
from smartmodels.context import public_scope
from smartmodels.exceptions import HostUnknown, NamespaceNotActive, NamespaceSuspended
from smartmodels.tenancy.listening import Listener
from smartmodels.tenancy.models import State, get_domain_model
from smartmodels.tenancy.names import fold_host, public_hosts

__all__ = ["clear_routes", "known_namespace", "namespace_for_host", "require_served", "stop_listening"]

_CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    namespace: Any
    expires: float


class _Routes:
    """The cache: host -> namespace row, or None for a host that nobody serves."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._listener = Listener("smartmodels_routing", self.clear)

    def get(self, host: str) -> _Entry | None:
        entry = self._entries.get(host)
        if entry is None or entry.expires < time.monotonic() or not self._listener.hears():
            return None
        return entry

    def put(self, host: str, namespace: Any, generation: int) -> None:
        """Keep what was read, unless something changed since the reading began."""
        # A pooler in transaction mode takes LISTEN and delivers nothing.
        if settings().ROUTING_TTL <= 0 or settings().POOLER:
            return
        if generation != self._listener.generation or not self._listener.hears():
            return
        if len(self._entries) >= _CAPACITY:
            self._entries.clear()
        self._entries[host] = _Entry(namespace, time.monotonic() + settings().ROUTING_TTL)

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


def _read(host: str) -> Any:
    with public_scope():
        domain = get_domain_model().objects.select_related("tenant").filter(domain=host).first()
    return None if domain is None else domain.tenant


def namespace_for_host(raw_host: str) -> Any:
    """Return the namespace served on a host, or None for the public site.

    Case, port and a trailing dot do not matter. Raises HostUnknown. A warm call sends no query.
    """
    host = fold_host(raw_host)
    if host in public_hosts():
        return None
    entry = _routes.get(host)
    if entry is None:
        generation = _routes.generation
        namespace = _read(host)
        _routes.put(host, namespace, generation)
    else:
        namespace = entry.namespace
    if namespace is None:
        raise HostUnknown("Nothing is served on this host: check the address.")
    return namespace


def known_namespace(host: str) -> Any:
    """Return the namespace of a host that was looked up a while ago, written just so; None says nothing."""
    entry = _routes.get(host)
    return None if entry is None else entry.namespace


def require_served(namespace: Any) -> None:
    """Raise NamespaceSuspended or NamespaceNotActive unless the namespace is active."""
    if namespace.state == State.ACTIVE:
        return
    if namespace.state == State.SUSPENDED:
        raise NamespaceSuspended("This namespace is suspended: ask its operator to resume it.")
    if namespace.state in (State.ARCHIVED, State.DELETING):
        raise HostUnknown("Nothing is served on this host: check the address.")
    raise NamespaceNotActive(
        "This namespace is not ready yet: try again shortly.", retry_after=settings().RETRY_AFTER
    )
