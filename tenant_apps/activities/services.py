"""Take up, and sum up, what people do with resources."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, models, transaction
from django.db.models import Count, Q

from smartmodels.context import require_operation
from smartmodels.exceptions import InvalidInput
from smartmodels.models import Resource
from smartmodels.ownership import sentinel_id
from tenant_apps.activities.models import Activity

__all__ = ["Outcome", "Summary", "record", "summarise", "type_of"]

_VOTES = (Activity.Kind.UP_VOTE, Activity.Kind.DOWN_VOTE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What :func:`record` did: the activity, and whether it is a new row."""

    activity: Activity
    created: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """How often each kind of activity stands on a resource, and which kinds are one's own."""

    counts: dict[str, int]
    own: list[str]


def type_of(model: type[models.Model]) -> ContentType:
    """Return the content type of a model, kept in memory after the first time."""
    return ContentType.objects.get_for_model(model)


def _require_visible(model: type[Resource], resource_id: uuid.UUID) -> None:
    if not model.objects.filter(pk=resource_id).exists():
        raise InvalidInput(
            f"No such {model._meta.verbose_name} is visible in this namespace.", field="resource_id"
        )


def _require_text(kind: str, text: str) -> None:
    if kind == Activity.Kind.COMMENT and not text.strip():
        raise InvalidInput("A comment needs a text.", field="text")
    if kind != Activity.Kind.COMMENT and text:
        raise InvalidInput(f"Only a comment has a text, not a {kind.replace('_', ' ')}.", field="text")


def record(*, model: type[Resource], resource_id: uuid.UUID, kind: str, text: str = "") -> Outcome:
    """Let the acting user comment on, favourite, like or vote on a resource.

    A favourite, like or vote that exists already is returned as it is; the opposite vote is turned round.
    Raises InvalidInput for a resource that is not visible here, and for a text where none belongs or none
    where one is needed.
    """
    _require_text(kind, text)
    _require_visible(model, resource_id)
    row = Activity(kind=kind, resource_type=type_of(model), resource_id=resource_id, text=text)
    if kind == Activity.Kind.COMMENT:
        row.save(force_insert=True)
        return Outcome(row, created=True)
    with transaction.atomic():
        existing = _existing(row)
        if existing is None:
            try:
                with transaction.atomic():
                    row.save(force_insert=True)
                return Outcome(row, created=True)
            except IntegrityError:
                # The same person did the same at this very moment.
                existing = _existing(row)
                if existing is None:
                    raise
        if existing.kind != kind:
            existing.kind = kind
            existing.save(update_fields=["kind"])
    return Outcome(existing, created=False)


def _existing(row: Activity) -> Activity | None:
    """Return, locked, the acting user's living activity that ``row`` would repeat or replace."""
    kinds = _VOTES if row.kind in _VOTES else (row.kind,)
    found: Activity | None = (
        _on(row.resource_type, row.resource_id)
        .filter(created_by=_acting(), kind__in=kinds)
        .select_for_update()
        .first()
    )
    return found


def _acting() -> uuid.UUID:
    return require_operation().actor.user_id or sentinel_id()


def _on(resource_type: ContentType, resource_id: uuid.UUID) -> Any:
    return Activity.objects.filter(resource_type=resource_type, resource_id=resource_id)


def summarise(model: type[Resource], resource_id: uuid.UUID) -> Summary:
    """Count the activities on a resource by kind, in one query."""
    rows = (
        _on(type_of(model), resource_id)
        .values("kind")
        .annotate(total=Count("pk"), own=Count("pk", filter=Q(created_by=_acting())))
        .order_by("kind")
    )
    found = {row["kind"]: row for row in rows}
    counts = {kind: found[kind]["total"] if kind in found else 0 for kind in Activity.Kind.values}
    return Summary(counts, [kind for kind, row in found.items() if row["own"]])
