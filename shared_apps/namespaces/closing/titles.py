"""What else is called after somebody: marks, and the labels by which shared rows are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.models import Q

from shared_apps.accounts.models import User
from shared_apps.namespaces.closing.mentions import in_label, in_text, parameters
from smartmodels.conf import settings
from smartmodels.context import require_namespace
from smartmodels.history import history_model
from smartmodels.history.ledger import ledger_model
from smartmodels.ownership import owned_models

__all__ = ["relabel_shared", "scrub_marks"]

_MARKS = f"""
SELECT id, name, new_name, new_note, new_label FROM (
    SELECT id, name, note, created_by_label, {in_text("name")} AS new_name, {in_text("note")} AS new_note,
        CASE WHEN created_by_id = %(user)s THEN %(name)s ELSE {in_label("created_by_label")} END AS new_label
    FROM {{table}}) AS marks
WHERE (name, note, created_by_label) IS DISTINCT FROM (new_name, new_note, new_label)
ORDER BY id LIMIT %(limit)s
"""  # noqa: S608 - nothing in it comes from outside


def _free_name(marks: Any, key: Any, name: str) -> str:
    """Return the name, cut to what fits and with a number if another mark is called so."""
    longest = marks.model._meta.get_field("name").max_length
    free, number = name[:longest].rstrip(), 1
    while marks.filter(name=free).exclude(pk=key).exists():
        number += 1
        ending = f" {number}"
        free = name[: longest - len(ending)].rstrip() + ending
    return free


def scrub_marks(user: User, limit: int) -> int:
    """Forget the account in at most ``limit`` marks of the bound namespace; return in how many."""
    marks = ledger_model("Mark").objects.all()
    table = connection.ops.quote_name(marks.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(_MARKS.format(table=table), {**parameters(user), "limit": limit})
        found = cursor.fetchall()
    for key, name, new_name, note, label in found:
        free = name if name == new_name else _free_name(marks, key, new_name)
        marks.filter(pk=key).update(name=free, note=note, created_by_label=label)
    return len(found)


def _personal_models() -> Iterator[Any]:
    """Yield the models that say something personal, and their proxies: a row is registered as either."""
    owned = {model for model in owned_models() if model.smart.personal}  # type: ignore[attr-defined]
    for model in apps.get_models():
        if model._meta.concrete_model in owned:
            yield model


def _title(model: Any, row: Any) -> str:
    """Return what a row is called; one that is gone, or nameless by now, by what kind of row it is."""
    try:
        return str(row)[:200] if row is not None else str(model._meta.verbose_name)
    except (AttributeError, TypeError, ValueError):
        return str(model._meta.verbose_name)


def relabel_shared(user: User) -> None:
    """Call the shared rows that the account made in the bound namespace what they are called by now."""
    registry: Any = apps.get_model(settings().GRANT_MODEL)._meta.get_field("resource").related_model
    for model in _personal_models():
        # Not the managers, which show in private mode the actor's own rows alone.
        made: Any = models.QuerySet(model).filter(created_by_id=user.pk).values("pk")
        history = history_model(model._meta.concrete_model)
        versions: Any = models.QuerySet(history).filter(created_by_id=user.pk).values(model._meta.pk.attname)
        entries = list(
            registry.objects.filter(
                Q(resource_id__in=made) | Q(resource_id__in=versions),
                home_id=require_namespace().pk, model=model._meta.label_lower,
            )
        )  # fmt: skip
        rows: Any = models.QuerySet(model).in_bulk([entry.resource_id for entry in entries])
        titles = {entry.pk: _title(model, rows.get(entry.resource_id)) for entry in entries}
        changed = [entry for entry in entries if entry.label != titles[entry.pk]]
        for entry in changed:
            entry.label = titles[entry.pk]
        registry.objects.bulk_update(changed, ["label"], batch_size=500)
