"""What a program may do with its key or token: ``read``, ``write``, ``manage``, of everything or of one list.

``studies:read`` lets it read studies, ``read`` lets it read everything. Whoever may write may read, and
whoever may manage may do both. A scope narrows what the role behind it allows and never widens it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from smartmodels.exceptions import InvalidInput

__all__ = ["ACTIONS", "SCOPES_MAX", "SCOPE_PATTERN", "SCOPE_SHAPE", "allows", "known_scopes"]

ACTIONS = ("read", "write", "manage")
"""What can be allowed, the later including the earlier."""

SCOPES_MAX = 50
"""The most scopes that one key or token may have."""

SCOPE_PATTERN = r"^(?:[a-z][a-z0-9-]{0,62}:)?(?:read|write|manage)$"
"""What a scope looks like, as documents of the API say it, too."""

SCOPE_SHAPE = r"^(?:(?:{}):)?(?:read|write|manage)$"
"""The same with a place for the names of the lists that there are."""

_SCOPE = re.compile(SCOPE_PATTERN)


def known_scopes(given: Iterable[str], resources: Collection[str] | None = None) -> list[str]:
    """Return the scopes in order, each once; ``resources`` names the lists there are, None asks for none.

    Raises InvalidInput for what is no scope, for none at all and for too many.

    >>> known_scopes(["studies:read", "read", "read"])
    ['read', 'studies:read']
    """
    scopes = sorted(set(given))
    if not 0 < len(scopes) <= SCOPES_MAX:
        raise InvalidInput(f"Name one to {SCOPES_MAX} scopes, such as read or studies:write.", field="scopes")
    for scope in scopes:
        resource, colon, _ = scope.rpartition(":")
        if not _SCOPE.fullmatch(scope) or (colon and resources is not None and resource not in resources):
            raise InvalidInput(
                f"{scope[:80]!a} is no scope: one of {', '.join(ACTIONS)}, alone or as in studies:read.",
                field="scopes",
            )
    return scopes


def allows(scopes: Collection[str], resource: str | None, action: str) -> bool:
    """Tell whether the scopes allow the action with the list ``resource``; None is what is no list.

    >>> allows(["studies:write"], "studies", "read"), allows(["studies:write"], "specimens", "read")
    (True, False)
    """
    enough = ACTIONS[ACTIONS.index(action) :]
    wanted = {*enough, *(f"{resource}:{each}" for each in enough if resource is not None)}
    return not wanted.isdisjoint(scopes)
