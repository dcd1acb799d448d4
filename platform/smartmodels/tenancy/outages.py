"""What a failure of the database means to whoever asked: try again, or there is nothing here any more."""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError, Error, InterfaceError, OperationalError

from smartmodels.conf import settings
from smartmodels.context import current_namespace, public_scope
from smartmodels.exceptions import (
    DatabaseUnavailable,
    HostUnknown,
    SmartModelsError,
    StatementTimeout,
    WriteConflict,
)
from smartmodels.tenancy.models import State

__all__ = ["outage_of"]

_CONFLICTS = frozenset({"40P01", "40001"})
"""Deadlock and serialization failure: PostgreSQL has undone the transaction."""

_CANCELLED = "57014"
"""The statement took longer than it may, or an operator cancelled it."""

_MISSING = frozenset({"42P01", "3F000"})
"""A table or a schema that does not exist."""

logger = logging.getLogger("smartmodels.tenancy")


def outage_of(error: BaseException | None) -> SmartModelsError | None:
    """Return what to refuse the request with, or None for an error that is not the database's."""
    if not isinstance(error, Error):
        return None
    state = getattr(error.__cause__, "sqlstate", None)
    if state in _CONFLICTS:
        logger.warning("PostgreSQL undid a transaction: %s", error)
        return WriteConflict(
            "Another request was writing the same rows; nothing was written: try again.", retry_after=1
        )
    if state == _CANCELLED:
        logger.warning("PostgreSQL cancelled a statement: %s", error)
        return StatementTimeout(
            "A statement took too long and was cancelled; its transaction was undone: "
            "ask for less, or try again later.",
            retry_after=settings().RETRY_AFTER,
        )
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.error("the database failed: %s", error)
        return DatabaseUnavailable(
            "The database cannot be reached right now: try again shortly.", retry_after=settings().RETRY_AFTER
        )
    if state in _MISSING and _is_going(current_namespace()):
        return HostUnknown("Nothing is served on this host: check the address.")
    return None


def _is_going(namespace: Any) -> bool:
    """Tell whether the namespace, whose tables are missing, is being deleted or is gone."""
    if namespace is None:
        return False
    try:
        with public_scope():
            found = type(namespace).objects.filter(pk=namespace.pk).values_list("state", flat=True).first()
    except DatabaseError:
        return False
    return found in (None, State.DELETING, State.ARCHIVED)
