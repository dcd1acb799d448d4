"""What a grant must allow for what is done with a shared row."""

from __future__ import annotations

from smartmodels.exceptions import NotPermitted
from smartmodels.sharing import GrantRole

__all__ = ["TO_READ", "TO_WRITE", "require_to_read"]

TO_READ = {
    "retrieve": GrantRole.VIEW,
    "history": GrantRole.VIEW,
    "version": GrantRole.VIEW,
    "namespaces": GrantRole.MANAGE,
}
"""Actions that change nothing."""

TO_WRITE = {
    "update": GrantRole.EDIT,
    "partial_update": GrantRole.EDIT,
    "destroy": GrantRole.MANAGE,
    "restore": GrantRole.MANAGE,
    "revert": GrantRole.MANAGE,
}
"""Actions that are done in the home of the row. What is in neither table is for own rows alone."""


def require_to_read(action: str, given: str, kind: str) -> None:
    """Raise NotPermitted where a grant of the role ``given`` does not allow to read what is asked for."""
    needed = TO_READ.get(action)
    if needed is None:
        raise NotPermitted(
            f"This {kind} is shared with this namespace for reading: it is changed at its home."
        )
    if GrantRole(given).rank < needed.rank:
        raise NotPermitted(
            f"This {kind} is shared with this namespace to {given} it: with whom else it is shared is told "
            "to those who manage it."
        )
