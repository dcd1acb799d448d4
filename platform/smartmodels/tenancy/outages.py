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
from smartmodels.tenancy.models import State, get_namespace_model

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
    return _what_became_of(current_namespace()) if state in _MISSING else None


def _what_became_of(namespace: Any) -> SmartModelsError | None:
    """Return why the tables of a namespace are missing: it is gone or going, or its schema was replaced."""
    if namespace is None:
        return None
    try:
        with public_scope():
            rows = get_namespace_model().objects.filter(pk=namespace.pk)
            found = rows.values_list("state", "schema_name").first()
    except DatabaseError:
        return None
    if found is None or found[0] in (State.DELETED, State.DELETING, State.ARCHIVED):
        return HostUnknown("Nothing is served on this host: check the address.")
    if found[1] != namespace.schema_name:
        return WriteConflict("The namespace was restored a moment ago: try again.", retry_after=1)
    return None
