"""Private mode: a row is visible to its owner alone (``SMARTMODELS_OWNER_MODEL``).

The condition is part of the query and is rendered when the statement is: it asks who acts at that moment,
so that a queryset made at import, or kept on a class, shows everybody their own rows. Fail closed: no
operation, no rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import models
from django.db.models import Exists, Expression, F, OuterRef
from django.db.models.expressions import Col

from smartmodels.conf import settings
from smartmodels.context import Actor, current_operation
from smartmodels.exceptions import ActorRequired

__all__ = [
    "HOLDERS",
    "is_private",
    "joined_sql",
    "owned",
    "owned_at",
    "owned_versions",
    "sees_everything",
    "showing",
    "without_service_owners",
]

HOLDERS = ("owner_id", "owner_before_deletion_id")
"""The columns that say whose a row is: while it lives, and while it is deleted."""

_UNRESTRICTED = frozenset({"system", "command", "job"})

_shown: ContextVar[tuple[str, frozenset[Any]] | None] = ContextVar("smartmodels_shown", default=None)
"""Rows of one model, by their keys, that count as the actor's own for the while."""


@contextmanager
def showing(model: Any, keys: Collection[Any]) -> Iterator[None]:
    """Let these rows of ``model`` count as the actor's own in the block; who calls has judged it."""
    token = _shown.set((model._meta.label_lower, frozenset(keys)))
    try:
        yield
    finally:
        _shown.reset(token)


def is_private() -> bool:
    """Tell whether rows are visible to their owners alone."""
    return settings().OWNER_MODEL is not None


def _principal() -> Actor:
    opened = current_operation()
    if opened is None:
        raise ActorRequired(
            "Rows are private here and nobody is said to look at them: wrap the read in "
            "operation(actor=Actor.user(user)), or in operation() when the system reads of its own accord."
        )
    return opened.principal


def _is_unrestricted(actor: Actor) -> bool:
    return actor.kind in _UNRESTRICTED or (actor.staff and settings().PRIVATE_STAFF)


def sees_everything() -> bool:
    """Tell whether the actor of the moment sees everybody's rows; raise ActorRequired if there is none.

    The system, commands and jobs do, unless they act on behalf of somebody; so do staff where
    ``SMARTMODELS_PRIVATE_STAFF`` says so, and everybody in shared mode.
    """
    return not is_private() or _is_unrestricted(_principal())


class OwnedByActor(Expression):
    """True where one of the columns holds the key of whoever acts when the statement is rendered."""

    output_field = models.BooleanField()

    def __init__(self, *columns: Any) -> None:
        super().__init__()
        self._columns: list[Any] = [F(column) if isinstance(column, str) else column for column in columns]

    def get_source_expressions(self) -> list[Any]:
        return self._columns

    def set_source_expressions(self, exprs: Any) -> None:
        self._columns = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return the comparison: none for those who see everything, no rows for those without an account."""
        if sees_everything():
            raise FullResultSet
        user_id = _principal().user_id
        if user_id is None:
            raise EmptyResultSet
        parts, values = [], []
        for column in self._columns:
            sql, params = compiler.compile(column)
            parts.append(f"{sql} = %s")
            values += [*params, user_id]
        for sql, keys in self._shown_by_key(compiler):
            parts.append(f"{sql} = ANY (%s)")
            values.append(keys)
        return f"({' OR '.join(parts)})", values

    def _shown_by_key(self, compiler: Any) -> Iterator[tuple[str, list[Any]]]:
        """Yield the key's column and the keys, where rows of this model are shown for the while."""
        label, keys = _shown.get() or ("", frozenset())
        column = self._columns[0]
        if keys and isinstance(column, Col) and column.target.model._meta.label_lower == label:
            key = Col(column.alias, column.target.model._meta.pk)
            yield compiler.compile(key)[0], list(keys)


def owned_at(model: Any, alias: str) -> OwnedByActor | None:
    """Return the condition that rows of ``model`` under ``alias`` are the actor's; None if all count."""
    if not is_private() or not hasattr(model, "owner_before_deletion_id"):
        return None
    return OwnedByActor(model._meta.get_field("owner").get_col(alias))


def joined_sql(condition: OwnedByActor | None, compiler: Any) -> tuple[str, list[Any]]:
    """Return the condition as one more part of an ON clause, with its parameters."""
    if condition is None:
        return "", []
    try:
        sql, params = compiler.compile(condition)
    except FullResultSet:
        return "", []
    except EmptyResultSet:
        return " AND FALSE", []
    return f" AND {sql}", params


class _OfOwnedRow(Exists):
    """True where the row exists and is the actor's; those who see everything see what is purged, too."""

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **kwargs: Any) -> Any:
        if sees_everything():
            raise FullResultSet
        return super().as_sql(compiler, connection, *args, **kwargs)


def owned(rows: Any, *columns: str) -> Any:
    """Return the rows that are the actor's own, living or deleted ones; in shared mode all of them."""
    return rows.filter(OwnedByActor(*(columns or HOLDERS))) if is_private() else rows


def owned_versions(versions: Any, model: Any) -> Any:
    """Return the versions of rows of ``model`` that are the actor's own now, whoever's they were then."""
    if not is_private() or not hasattr(model, "all_objects"):
        return versions
    key = model._meta.pk.attname
    rows = model.all_objects.filter(**{key: OuterRef(key)})
    return versions.filter(_OfOwnedRow(owned(rows)))


def without_service_owners(rows: Any) -> Any:
    """Return the rows without those that accounts of services own, where the project hides these.

    The sentinel's stay: they are what closed accounts left behind.
    """
    given = settings()
    if not given.HIDE_SERVICE_OWNERS:
        return rows
    return rows.exclude(owner_id__in=[uid for uid in given.SERVICE_UIDS if uid != given.SENTINEL_UID])
