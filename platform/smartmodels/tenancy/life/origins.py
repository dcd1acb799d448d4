"""From which web pages of other origins a namespace's API may be called (CORS)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from smartmodels.exceptions import InvalidInput
from smartmodels.tenancy.audit import audited
from smartmodels.tenancy.life.states import lock, require_state

__all__ = ["ORIGINS_MAX", "ORIGIN_PATTERN", "known_origin", "set_origins"]

ORIGINS_MAX = 50
"""The most origins that one namespace allows."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
ORIGIN_PATTERN = rf"^(?:https://(?:{_LABEL}\.)+{_LABEL}|https?://(?:localhost|127\.0\.0\.1|\[::1\]))(?::[1-9][0-9]{{0,3}})?$"
"""What is taken for an origin, as documents of the API say it."""

_NAMED = re.compile(rf"https://(?:{_LABEL}\.)+{_LABEL}(?P<port>:[1-9][0-9]{{0,4}})?")
_LOCAL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?P<port>:[1-9][0-9]{0,4})?")


def known_origin(origin: str) -> str:
    """Return the origin as browsers send it: scheme, host and port, in lower case.

    Raises InvalidInput for anything else: patterns, ``null``, paths, ports that are the scheme's own, and
    pages that are not encrypted unless they are of the visitor's own machine.

    >>> known_origin("HTTPS://App.Example.org")
    'https://app.example.org'
    """
    text = origin.strip().lower() if origin.isascii() else ""
    found = _NAMED.fullmatch(text) or _LOCAL.fullmatch(text)
    port = int((found["port"] or ":1")[1:]) if found else 0
    usual = {"https": 443, "http": 80}.get(text.partition(":")[0])
    if found is None or len(text) > 255 or not 0 < port < 65536 or port == usual:
        raise InvalidInput(
            f"{origin[:100]!a} is no origin: write it as https://app.example.org, with a port if it has one.",
            field="origins",
        )
    return text


def set_origins(namespace: Any, origins: Iterable[str]) -> Any:
    """Allow exactly these origins; return the namespace. Repeating it changes nothing.

    Raises InvalidInput for what is no origin and for more than 50, and NamespaceStateRefused.
    """
    with audited("origins", namespace) as record:
        wanted = sorted({known_origin(origin) for origin in origins})
        if len(wanted) > ORIGINS_MAX:
            raise InvalidInput(f"At most {ORIGINS_MAX} origins are allowed.", field="origins")
        locked = lock(namespace)
        require_state(locked, "key")
        if locked.cors_origins == wanted:
            record.unchanged()
        else:
            locked.cors_origins = wanted
            locked.save(update_fields=["cors_origins"])
        record.note(origins=wanted)
    namespace.refresh_from_db(fields=["cors_origins"])
    return namespace
