"""Delete a namespace so that it can be brought back for a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from smartmodels.conf import settings
from smartmodels.tenancy.audit import audited
from smartmodels.tenancy.life.logins import end_logins
from smartmodels.tenancy.life.states import lock, require_state
from smartmodels.tenancy.models import State

__all__ = ["delete", "undelete"]

_COLUMNS = ["state", "state_before", "deleted_at", "purge_after"]


def delete(namespace: Any) -> Any:
    """Delete a namespace: its host answers 404 at once, and logins and tokens of it end.

    Until ``purge_after``, ``SMARTMODELS_NAMESPACE_GRACE_DAYS`` from now, :func:`undelete` brings back the
    rest. Repeating it changes nothing. Raises NamespaceStateRefused.
    """
    with audited("delete", namespace) as record:
        locked = lock(namespace)
        require_state(locked, "delete")
        if locked.state == State.DELETED:
            record.unchanged()
        else:
            now = timezone.now()
            locked.state_before, locked.state = locked.state, State.DELETED
            locked.deleted_at = now
            locked.purge_after = now + timedelta(days=settings().NAMESPACE_GRACE_DAYS)
            locked.save(update_fields=_COLUMNS)
            end_logins(locked)
            record.note(before=str(locked.state_before), purge_after=locked.purge_after.isoformat())
    namespace.refresh_from_db()
    return namespace


def undelete(namespace: Any) -> Any:
    """Bring a deleted namespace back, in the state that it was in; people log in anew.

    Works for as long as nothing was removed, even after ``purge_after``. Raises NamespaceStateRefused.
    """
    with audited("undelete", namespace) as record:
        locked = lock(namespace)
        require_state(locked, "undelete")
        if locked.state == State.DELETED:
            locked.state, locked.state_before = locked.state_before, ""
            locked.deleted_at = locked.purge_after = None
            locked.save(update_fields=_COLUMNS)
            record.note(after=str(locked.state))
        else:
            record.unchanged()
    namespace.refresh_from_db()
    return namespace
