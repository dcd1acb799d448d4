"""What may follow what in the life of a namespace: one table, which every service goes by.

::

    reserved -> creating (loading) -> ACTIVE <-> maintenance
                  |                     |  <-> suspended
                failed                  |  <-> archived
                                        v
                                     deleted (grace) -> deleting -> nothing
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smartmodels.exceptions import NamespaceNotFound
from smartmodels.tenancy.audit import Record, audited
from smartmodels.tenancy.errors import NamespaceStateRefused
from smartmodels.tenancy.models import State, get_namespace_model

__all__ = [
    "HALF_MADE",
    "HIDDEN",
    "MOVES",
    "STAFF_ONLY",
    "WITH_ROWS",
    "Move",
    "lock",
    "move",
    "require_state",
]

HALF_MADE = (State.RESERVED, State.CREATING, State.FAILED)
"""Not finished: ``namespace resume`` or ``rollback`` brings it to an end."""

STAFF_ONLY = (State.SUSPENDED, State.MAINTENANCE)
"""Closed, but staff may pass (smartmodels/tenancy/middleware.py)."""

HIDDEN = (State.DELETED, State.DELETING)
"""The host answers as if nobody had it."""

WITH_ROWS = (State.ACTIVE, State.MAINTENANCE, State.SUSPENDED, State.ARCHIVED, State.DELETED)
"""The schema is whole, and may be served (again)."""

_OPEN = (State.ACTIVE, State.MAINTENANCE, State.SUSPENDED)
_KEPT = (*_OPEN, State.ARCHIVED)


@dataclass(frozen=True, slots=True)
class Move:
    """From which states the action leads to which; in ``done`` there is nothing left to do.

    ``after`` is None for what leaves the state as it is, and for undeleting, which leads back to the
    state before.
    """

    before: tuple[State, ...]
    after: State | None = None
    done: tuple[State, ...] = ()


MOVES: dict[str, Move] = {
    "suspend": Move((State.ACTIVE, State.MAINTENANCE), State.SUSPENDED, done=(State.SUSPENDED,)),
    "resume": Move((State.SUSPENDED,), State.ACTIVE, done=(State.ACTIVE,)),
    "maintenance-on": Move((State.ACTIVE,), State.MAINTENANCE, done=(State.MAINTENANCE,)),
    "maintenance-off": Move((State.MAINTENANCE,), State.ACTIVE, done=(State.ACTIVE,)),
    "archive": Move(_OPEN, State.ARCHIVED, done=(State.ARCHIVED,)),
    "unarchive": Move((State.ARCHIVED,), State.ACTIVE, done=(State.ACTIVE,)),
    "delete": Move(_KEPT, State.DELETED, done=(State.DELETED,)),
    "undelete": Move((State.DELETED,), None, done=_KEPT),
    "purge": Move((State.DELETED,), State.DELETING, done=(State.DELETING,)),
    "rename": Move(_OPEN),
    "domain": Move(_KEPT),
    "member": Move(_KEPT),
    "key": Move(_OPEN),
}

_WAYS_OUT: dict[State, str] = {
    State.ACTIVE: "it is served",
    State.MAINTENANCE: "`namespace maintenance off` serves it again",
    State.SUSPENDED: "`namespace resume` serves it again",
    State.ARCHIVED: "`namespace unarchive` brings it back",
    State.DELETED: "`namespace undelete` brings it back, `namespace purge` removes it",
    State.DELETING: "`namespace purge` finishes removing it",
    State.LOADING: "its rows are being loaded; if that was cut off, `namespace rollback` removes it",
    **dict.fromkeys(HALF_MADE, "`namespace resume` finishes it, `namespace rollback` removes it"),
}


def require_state(namespace: Any, action: str) -> None:
    """Raise NamespaceStateRefused unless the action may be done to the namespace, or is done already."""
    rule = MOVES[action]
    state = State(namespace.state)
    if state in rule.before or state in rule.done:
        return
    can = ", ".join(rule.before)
    raise NamespaceStateRefused(
        f"Namespace {namespace.slug!r} is {state}: {_WAYS_OUT[state]}. "
        f"This ({action.replace('-', ' ')}) is for one in state {can}.",
        slug=namespace.slug,
        state=str(state),
    )


def lock(namespace: Any) -> Any:
    """Return the stored row, locked until the transaction ends; raise NamespaceNotFound if it is gone."""
    found = get_namespace_model().objects.select_for_update(of=("self",)).filter(pk=namespace.pk).first()
    if found is None:
        raise NamespaceNotFound(f"Namespace {namespace.slug!r} was removed meanwhile.", slug=namespace.slug)
    return found


def _store(locked: Any, record: Record, wanted: dict[str, Any]) -> None:
    changed = {name: value for name, value in wanted.items() if getattr(locked, name) != value}
    if not changed:
        record.unchanged()
        return
    if "state" in changed:
        record.note(before=str(locked.state), after=str(changed["state"]))
    for name, value in changed.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(changed))


def move(namespace: Any, action: str, *, columns: dict[str, Any] | None = None, **details: Any) -> Any:
    """Do what leads from state to state; return the namespace as it is then.

    ``columns`` are set along, also where the state is the wanted one already. Raises
    NamespaceStateRefused and NamespaceNotFound.
    """
    with audited(action, namespace, **details) as record:
        locked = lock(namespace)
        require_state(locked, action)
        _store(locked, record, {"state": MOVES[action].after, **(columns or {})})
    namespace.refresh_from_db()
    return namespace
