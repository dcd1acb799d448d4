"""Guessing passwords is slow: attempts are counted per namespace, account and address.

The counts live in the cache ``guesses``, whose keys carry the namespace: failures in one never lock anybody
out of another. With the cache in memory each process counts for itself, so a server of several processes
admits as many times the attempts; a cache that processes share makes the numbers exact.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings as django_settings
from django.core.cache import caches

__all__ = ["Guesses", "address_of"]

_CACHE = "guesses"


@dataclass(frozen=True, slots=True)
class Guesses:
    """At most ``attempts`` failures in ``seconds`` for one account from one address.

    One address may fail ``spread`` times as often over all accounts.
    """

    attempts: int = 10
    seconds: int = 300
    spread: int = 10

    def count(self, request: Any, account: str) -> float | None:
        """Count an attempt before it is judged; return the seconds to wait if there were too many."""
        now = time.time()
        cache = caches[_CACHE]
        refused = False
        for key, most in self._keys(request, account):
            name = self._in_window(key, now)
            cache.add(name, 0, timeout=2 * self.seconds)
            try:
                refused = refused or cache.incr(name) > most
            except ValueError:  # evicted between the two calls
                continue
        return self.seconds - now % self.seconds if refused else None

    def forget(self, request: Any, account: str) -> None:
        """Forget the failures of an account after a success, which does not count for the address either."""
        now = time.time()
        (of_account, _), (of_address, _) = self._keys(request, account)
        caches[_CACHE].delete(self._in_window(of_account, now))
        with suppress(ValueError):  # evicted, or the window has just changed
            caches[_CACHE].decr(self._in_window(of_address, now))

    def _in_window(self, key: str, now: float) -> str:
        return f"{key}:{int(now // self.seconds)}"

    def _keys(self, request: Any, account: str) -> tuple[tuple[str, int], tuple[str, int]]:
        address = address_of(request)
        return (
            (_key("account", account.strip().lower(), address), self.attempts),
            (_key("address", address), self.attempts * self.spread),
        )


def address_of(request: Any) -> str:
    """Return who asks: the last address that our own proxies saw, if we stand behind any."""
    remote = str(request.META.get("REMOTE_ADDR") or "")
    proxies = int(getattr(django_settings, "REST_FRAMEWORK", {}).get("NUM_PROXIES") or 0)
    seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    return seen[-min(proxies, len(seen))] if proxies and seen else remote


def _key(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()
