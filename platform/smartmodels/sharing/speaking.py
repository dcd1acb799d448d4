"""Who decides for a namespace: whoever manages it, and the operator's commands and jobs."""

from __future__ import annotations

from typing import Any, Literal

from smartmodels.context import require_operation
from smartmodels.exceptions import NotPermitted, ShareRefused
from smartmodels.querysets import is_private
from smartmodels.tenancy.models import Role, get_membership_model

__all__ = ["Side", "acts_for_all", "refuse_in_private", "require_side", "require_speaker", "speaks_for"]

Side = Literal["home", "target", "passer"]
"""Whose step with a grant it is: of its home, of whom it is given to, or of who passed it on."""

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


def acts_for_all() -> bool:
    """Tell whether it is the operator's work, of a command or a job, and not done for a user."""
    return require_operation().principal.kind in _OPERATORS


def require_side(grant: Any, side: Side, what: str) -> None:
    """Raise NotPermitted for an actor who does not decide for this side of a grant.

    Of a row that is shared with a user these are whose it is and the user, in private mode alone: elsewhere
    it raises ShareRefused, as for an offer that reaches nobody.
    """
    if side == "target" and grant.target_id is None and grant.user_id is None:
        raise ShareRefused("This offer reaches nobody.")
    if grant.user_id is None and (grant.target_id is not None or not is_private()):
        require_speaker(getattr(grant, side), what)
        return
    if not is_private():
        raise ShareRefused("Rows are not private here: what was shared with users shows nothing.")
    decides = {"home": grant.resource.owner_id, "target": grant.user_id}[side]
    if not acts_for_all() and require_operation().principal.user_id != decides:
        raise NotPermitted(f"{what} is for whose the row is, or whom it is shared with: ask them.")


def refuse_in_private() -> None:
    """Raise ShareRefused in private mode, where rows are visible to their owners alone."""
    if is_private():
        raise ShareRefused(
            "Rows are private here (SMARTMODELS_OWNER_MODEL): each is visible to its owner, to "
            "users whom they share it with, and to no other namespace."
        )
