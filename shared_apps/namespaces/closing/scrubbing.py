"""Forget who somebody was: their words about themselves, and their name in the versions they made.

Everything here may be repeated: it finds only what is left to forget. Versions are changed under a
recorded erasure, which keeps the evidence that nothing else was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection, models, transaction
from django.db.models import Q

from shared_apps.accounts.models import User
from smartmodels.conf import settings
from smartmodels.history import history_model
from smartmodels.history.ledger import ledger_model
from smartmodels.ownership import owned_models

__all__ = ["scrub_public", "scrub_some"]

_LABELS = """
UPDATE {table} SET
    actor_label = regexp_replace(CASE WHEN history_user_id = %(user)s
        THEN %(name)s || coalesce(substring(actor_label FROM ' on behalf of .*'), '')
        ELSE actor_label END, %(pattern)s, %(name)s, 'gi'),
    history_change_reason = regexp_replace(history_change_reason, %(pattern)s, %(name)s, 'gi')
WHERE history_id IN (
    SELECT history_id FROM {table}
    WHERE (history_user_id = %(user)s AND NOT starts_with(coalesce(actor_label, ''), %(name)s))
        OR strpos(lower(actor_label), %(email)s) > 0 OR strpos(lower(history_change_reason), %(email)s) > 0
    LIMIT %(limit)s)
"""


@contextmanager
def _erasing() -> Iterator[None]:
    """Let versions be changed until the block ends, and have the change recorded."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('smartmodels.erasure', 'erase', true)")
        yield
        cursor.execute("SELECT set_config('smartmodels.erasure', '', true)")


def _blank(field: Any) -> Any:
    """Return what a field holds that says nothing."""
    if field.null:
        return None
    return "" if field.empty_strings_allowed else field.get_default()


def _said(model: Any, names: tuple[str, ...]) -> tuple[Q, dict[str, Any]]:
    """Return the condition that one of the fields says something, and the values that say nothing."""
    blanks = {name: _blank(model._meta.get_field(name)) for name in names}
    said = Q(pk__in=[])
    for name, blank in blanks.items():
        said |= Q(**{f"{name}__isnull": False}) if blank is None else ~Q(**{name: blank})
    return said, blanks


def _scrub_rows(model: Any, user: User, limit: int) -> int:
    if not model.smart.personal:
        return 0
    said, blanks = _said(model, model.smart.personal)
    rows = model.all_objects.filter(said, created_by_id=user.pk).order_by()
    return int(rows.filter(pk__in=rows.values("pk")[:limit]).update(**blanks))


def _scrub_versions(model: Any, user: User, limit: int) -> int:
    history = history_model(model)
    kept = {field.name for field in history._meta.concrete_fields}
    names = tuple(name for name in model.smart.personal if name in kept)
    if not names:
        return 0
    said, blanks = _said(history, names)
    # Not its manager, which shows in private mode the versions of the actor's own rows alone.
    versions: Any = models.QuerySet(history).filter(said, created_by_id=user.pk).order_by()
    with _erasing():
        return int(versions.filter(pk__in=versions.values("pk")[:limit]).update(**blanks))


def _names_of(user: User, limit: int) -> dict[str, Any]:
    return {
        "user": user.pk,
        "name": user.name,
        "email": user.email.lower(),
        "pattern": re.escape(user.email),
        "limit": limit,
    }


def _scrub_labels(model: Any, user: User, limit: int) -> int:
    table = connection.ops.quote_name(history_model(model)._meta.db_table)
    with _erasing(), connection.cursor() as cursor:
        cursor.execute(_LABELS.format(table=table), _names_of(user, limit))
        return int(cursor.rowcount)


def _scrub_marks(user: User) -> int:
    marks = ledger_model("Mark").objects.filter(created_by_id=user.pk).exclude(created_by_label=user.name)
    return int(marks.update(created_by_label=user.name))


_PARTS: tuple[Callable[[Any, User, int], int], ...] = (_scrub_rows, _scrub_versions, _scrub_labels)


def scrub_some(user: User, *, limit: int) -> int | None:
    """Forget at most ``limit`` mentions in the bound namespace; return how many, None when none is left.

    The name that the account has by then stands where it is still told who did something.
    """
    for model in owned_models():
        for part in _PARTS:
            if rows := part(model, user, limit):
                return rows
    return _scrub_marks(user) or None


def scrub_public(user: User) -> None:
    """Forget the address where shared tables mention it besides the account itself."""
    grants = apps.get_model(settings().GRANT_MODEL)
    for model, columns in (
        (grants, ("created_by_label", "decided_by_label")),
        (LogEntry, ("object_repr", "change_message")),
    ):
        table = connection.ops.quote_name(model._meta.db_table)
        for column in map(connection.ops.quote_name, columns):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE {table} SET {column} = "  # noqa: S608 - names of the models' own
                    f"regexp_replace({column}, %(pattern)s, %(name)s, 'gi') "
                    f"WHERE strpos(lower({column}), %(email)s) > 0",
                    _names_of(user, 0),
                )
