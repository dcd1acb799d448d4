"""Forget who somebody was: their words about themselves, and their name in the versions they made.

Everything here may be repeated: it finds only what is left to forget. Versions are changed under a
recorded erasure, which keeps the evidence that nothing else was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.db.models import Q

from shared_apps.accounts.models import User
from shared_apps.namespaces.closing.mentions import in_label, in_text, parameters
from shared_apps.namespaces.closing.titles import relabel_shared, scrub_marks
from smartmodels.conf import settings
from smartmodels.history import history_model
from smartmodels.ownership import owned_models

__all__ = ["scrub_public", "scrub_some"]

# Whoever else is named as well, the actor of the account's own versions is the account.
_ACTOR = """CASE WHEN history_user_id = %(user)s
    THEN %(name)s || coalesce(substring(actor_label FROM ' on behalf of .*'), '') ELSE actor_label END"""

# The innermost condition only keeps most versions from being looked at closely.
_LABELS = f"""
WITH found AS (
    SELECT history_id, new_label, new_reason FROM (
        SELECT history_id, actor_label, history_change_reason,
            {in_label(_ACTOR)} AS new_label, {in_text("history_change_reason")} AS new_reason
        FROM {{table}}
        WHERE (history_user_id = %(user)s AND NOT starts_with(coalesce(actor_label, ''), %(name)s))
            OR strpos(lower(actor_label), lower(%(email)s)) > 0
            OR strpos(lower(history_change_reason), lower(%(email)s)) > 0) AS versions
    WHERE (actor_label, history_change_reason) IS DISTINCT FROM (new_label, new_reason)
    LIMIT %(limit)s)
UPDATE {{table}} AS versions SET actor_label = found.new_label, history_change_reason = found.new_reason
FROM found WHERE versions.history_id = found.history_id
"""  # noqa: S608 - nothing in it comes from outside


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


def _scrub_labels(model: Any, user: User, limit: int) -> int:
    table = connection.ops.quote_name(history_model(model)._meta.db_table)
    with _erasing(), connection.cursor() as cursor:
        cursor.execute(_LABELS.format(table=table), {**parameters(user), "limit": limit})
        return int(cursor.rowcount)


_PARTS: tuple[Callable[[Any, User, int], int], ...] = (_scrub_rows, _scrub_versions, _scrub_labels)


def scrub_some(user: User, *, limit: int) -> int | None:
    """Forget at most ``limit`` mentions in the bound namespace; return how many, None when none is left.

    The name that the account has by then stands where it is still told who did something.
    """
    for model in owned_models():
        for part in _PARTS:
            if rows := part(model, user, limit):
                return rows
    if rows := scrub_marks(user, limit):
        return rows
    relabel_shared(user)
    return None


def _scrub_column(model: Any, name: str, user: User, forgotten: Callable[[str], str]) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    column = connection.ops.quote_name(name)
    # What is longer with the new name than the column may hold loses its end.
    new, longest = forgotten(column), model._meta.get_field(name).max_length
    new = new if longest is None else f"left({new}, {longest})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {column} = {new} WHERE {column} <> {new}",  # noqa: S608 - the models' names
            parameters(user),
        )


def scrub_public(user: User) -> None:
    """Forget the address where shared tables mention it besides the account itself."""
    grants = apps.get_model(settings().GRANT_MODEL)
    for column in ("created_by_label", "decided_by_label"):
        _scrub_column(grants, column, user, in_label)
    for column in ("object_repr", "change_message"):
        _scrub_column(LogEntry, column, user, in_text)
    # The log calls the account by the name it had.
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=kind, object_id=str(user.pk)).update(object_repr=user.name)
