"""Guessing passwords is slow: attempts are counted per namespace, account and address."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from rest_framework.exceptions import Throttled
from rest_framework.throttling import BaseThrottle

__all__ = ["GuessLimit"]


@dataclass(frozen=True, slots=True)
class GuessLimit:
    """At most ``attempts`` failures in ``seconds`` for one account from one address.

    One address may fail with ``spread`` times as many, over all accounts. The counts live in the cache,
    whose keys carry the namespace: failures in one never lock anybody out of another.
    """

    attempts: int = 10
    seconds: int = 300
    spread: int = 10

    def count(self, request: Any, account: str) -> None:
        """Count an attempt before it is judged; raise Throttled when there were too many."""
        now = time.time()
        window = int(now // self.seconds)
        for key, most in self._keys(request, account):
            name = f"{key}:{window}"
            cache.add(name, 0, timeout=2 * self.seconds)
            try:
                made = cache.incr(name)
            except ValueError:  # evicted between the two calls
                made = 1
            if made > most:
                raise Throttled(wait=self.seconds - now % self.seconds)

    def forget(self, request: Any, account: str) -> None:
        """Forget the failures of an account after a success."""
        window = int(time.time() // self.seconds)
        key, _ = self._keys(request, account)[0]
        cache.delete(f"{key}:{window}")

    def _keys(self, request: Any, account: str) -> tuple[tuple[str, int], tuple[str, int]]:
        address = str(BaseThrottle().get_ident(request))
        return (
            (_key("account", account.strip().lower(), address), self.attempts),
            (_key("address", address), self.attempts * self.spread),
        )


def _key(*parts: str) -> str:
    digest = hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()
    return f"guesses:{digest}"
