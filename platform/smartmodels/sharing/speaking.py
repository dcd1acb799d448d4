"""Who decides for a namespace: whoever manages it, and the operator's commands and jobs."""

from __future__ import annotations

from typing import Any

from smartmodels.context import require_operation
from smartmodels.exceptions import NotPermitted, ShareRefused
from smartmodels.querysets import is_private
from smartmodels.tenancy.models import Role, get_membership_model

__all__ = ["refuse_in_private", "require_speaker", "speaks_for"]

_OPERATORS = ("command", "system", "job")


def speaks_for(namespace: Any) -> bool:
    """Tell whether the actor decides for ``namespace``: the operator's commands do, else its admins."""
    actor = require_operation().actor
    if actor.kind in _OPERATORS:
        return True
    members = get_membership_model().objects.filter(namespace_id=namespace.pk, user_id=actor.user_id)
    membership = members.first()
    return membership is not None and Role(membership.role).manages


def require_speaker(namespace: Any, what: str) -> None:
    """Raise NotPermitted for an actor who does not decide for ``namespace``."""
    if not speaks_for(namespace):
        raise NotPermitted(f"{what} is for the owner and the admins of {namespace.slug}: ask one of them.")


def refuse_in_private() -> None:
    """Raise ShareRefused in private mode, where rows are visible to their owners alone."""
    if is_private():
        raise ShareRefused(
            "Rows are private here (SMARTMODELS_OWNER_MODEL): each is visible to its owner alone, "
            "and to no other namespace."
        )
