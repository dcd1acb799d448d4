"""How often one may ask: a limit for each principal, and one for all of a namespace together.

A principal is a user, a key, an application, or for nobody known an address. In no stretch of time as long as
the window is more granted than the limit, whatever asks at the same moment. Answers say where one stands in
the headers ``RateLimit-Policy`` and ``RateLimit`` (draft-ietf-httpapi-ratelimit-headers-10).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from django.utils.module_loading import import_string

from smartmodels.conf import settings
from smartmodels.context import current_namespace
from smartmodels.exceptions import RateLimited
from smartmodels.rest.access.counters import Count, Counter, Wanted

__all__ = ["Admission", "admit"]


@dataclass(frozen=True, slots=True)
class Admission:
    """Where a request stands: what is to be told, and what it is refused with, if it is."""

    counts: Sequence[Count] = ()
    policies: Sequence[Wanted] = ()

    @property
    def refused(self) -> RateLimited | None:
        """Return why the request is not served, or None; ``retry_after`` is in seconds."""
        last = self.counts[-1] if self.counts else None
        if last is None or not last.is_over:
            return None
        whose = "This namespace" if last.wanted.name == "namespace" else "You"
        return RateLimited(
            f"{whose} asked more than {last.wanted.most} times in {last.wanted.seconds} s: try again later.",
            retry_after=last.ends_in,
        )

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what every answer says about limits."""
        if not self.policies:
            return {}
        policy = (f'"{each.name}";q={each.most};w={each.seconds}' for each in self.policies)
        left = (
            f'"{each.wanted.name}";r={max(0, each.wanted.most - each.used)};t={each.ends_in}'
            for each in self.counts
        )
        return {"RateLimit-Policy": ", ".join(policy), "RateLimit": ", ".join(left)}


@cache
def _counter(path: str) -> Counter:
    counter: Counter = import_string(path)()
    return counter


def _wanted(principal: str) -> list[Wanted]:
    limits = settings().RATE_LIMITS
    known = [("principal", hashlib.sha256(principal.encode("utf-8", "replace")).hexdigest()[:32])]
    if current_namespace() is not None:
        known.append(("namespace", "all"))
    return [
        Wanted(name, f"{name}:{key}", *limits[name])
        for name, key in known
        if name in limits and limits[name][0] > 0
    ]


def admit(principal: str) -> Admission:
    """Count a request of the principal in the bound namespace; without limits nothing is counted."""
    wanted = _wanted(principal) if settings().RATE_LIMITS else []
    if not wanted:
        return Admission()
    return Admission(_counter(settings().RATE_COUNTER).count(wanted), wanted)
