"""Whether who opened a stream would still be let in."""

from __future__ import annotations

import copy
from typing import Any

__all__ = ["is_still_admitted"]


def is_still_admitted(request: Any) -> bool:
    """Ask again who makes the request, as the middleware did, with the rights of this moment.

    False once the token or session is over, the membership gone or its role another, or the namespace
    closed. ``request`` is Django's.
    """
    again = copy.copy(request)
    again.session = type(request.session)(request.session.session_key)
    again.identify(again)
    if again.membership is None or again.user.pk != request.user.pk:
        return False
    return bool(again.membership.role == request.membership.role)
