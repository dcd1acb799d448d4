"""On which side of a grant the request stands: its namespace does, in private mode its user."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from smartmodels.context import require_namespace, require_operation
from smartmodels.querysets import is_private

__all__ = ["SIDES", "is_on", "is_party", "of_side"]

SIDES = {"in": "target", "out": "home", "passed": "passer"}
"""What grants are asked for by, and the side of them on which the request then stands."""


def of_side(side: str) -> Q:
    """Return the condition for grants of which the request stands on ``side``.

    In private mode it stands there for who acts: as whom it is given to, or as whose row it is; nobody passes
    anything on there.
    """
    here = require_namespace().pk
    if not is_private():
        return Q(user=None, **{f"{side}_id": here})
    user_id = require_operation().principal.user_id
    if user_id is None or side == "passer":
        return Q(pk__in=())
    whose = {"target": Q(user_id=user_id), "home": Q(target=None, resource__owner_id=user_id)}
    return Q(home_id=here) & whose[side]


def is_on(side: str, grant: Any) -> bool:
    """Tell whether the request stands on this side of a grant."""
    if not is_private():
        return bool(getattr(grant, f"{side}_id") == require_namespace().pk)
    decides = {"target": grant.user_id, "home": grant.resource.owner_id, "passer": None}[side]
    return decides is not None and bool(decides == require_operation().principal.user_id)


def is_party(grant: Any) -> bool:
    """Tell whether the request stands on any side of a grant."""
    return any(is_on(side, grant) for side in SIDES.values())
