"""What is known of one server session; it stays with the driver's connection, whoever holds that."""

from __future__ import annotations

import select
from dataclasses import dataclass, field
from typing import Any

from smartmodels.conf import settings
from smartmodels.tenancy.engine.prelude import Known

__all__ = ["Session", "has_news", "session_of"]

_ATTRIBUTE = "smartmodels_session"


@dataclass(slots=True)
class Session:
    """What the session has in force, and the schemas it touched: each costs its process memory for good.

    It is ``worn`` once they are more than ``SMARTMODELS_MAX_SCHEMAS_PER_CONNECTION``; behind a pooler never,
    since the memory is that of processes which are not ours to replace.
    """

    known: Known = field(default_factory=Known)
    touched: set[str] = field(default_factory=set)
    worn: bool = False
    watch: Any = None
    """What :func:`has_news` asks, kept because it is asked with every request."""

    def touch(self, *schemas: str) -> None:
        """Count schemas whose tables the session meets."""
        self.touched.update(schemas)
        most = settings().MAX_SCHEMAS_PER_CONNECTION
        self.worn = 0 < most < len(self.touched) and not settings().POOLER


def session_of(connection: Any) -> Session:
    """Return the session of a driver's connection; one that a pool hands on keeps it."""
    session: Session | None = getattr(connection, _ATTRIBUTE, None)
    if session is None:
        session = Session()
        setattr(connection, _ATTRIBUTE, session)
    return session


def has_news(connection: Any) -> bool:
    """Tell whether the server said something nobody asked for, such as that it hangs up; sends nothing.

    Ask it of a connection that is at rest.
    """
    if connection.closed:
        return True
    session = session_of(connection)
    if session.watch is None:
        session.watch = select.poll()
        session.watch.register(connection.pgconn.socket, select.POLLIN)
    return bool(session.watch.poll(0))
