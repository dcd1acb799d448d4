"""Take up, and sum up, what people do with resources."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, models, transaction
from django.db.models import Count, Q

from smartmodels.context import require_namespace, require_operation
from smartmodels.exceptions import InvalidInput, NotPermitted, RowNotFound
from smartmodels.models import Resource
from smartmodels.ownership import sentinel_id
from smartmodels.sharing import GrantRole, grant_to_write, hold_grant, through_grant
from tenant_apps.activities.models import Activity

__all__ = ["Outcome", "Summary", "activities_on", "record", "summarise", "type_of", "withdraw"]

_VOTES = (Activity.Kind.UP_VOTE, Activity.Kind.DOWN_VOTE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What :func:`record` did: the activity, whether it is a new row, and whether it is kept elsewhere."""

    activity: Activity
    created: bool
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """How often each kind of activity stands on a resource, and which kinds are one's own."""

    counts: dict[str, int]
    own: list[str]


def type_of(model: type[models.Model]) -> ContentType:
    """Return the content type of a model, kept in memory after the first time."""
    return ContentType.objects.get_for_model(model)


@contextmanager
def _at_home_of(model: type[Resource], resource_id: uuid.UUID) -> Iterator[Any | None]:
    """Bind the home of a resource; yield the grant that shows it here, or None for one that is at home."""
    if model.objects.filter(pk=resource_id).exists():
        yield None
        return
    needed = model.smart.comment_role or GrantRole.VIEW
    grant = grant_to_write(model, resource_id, needed)
    if not model.smart.comment_role:
        raise NotPermitted(f"Nobody else comments on {model._meta.verbose_name_plural} that are shared.")
    with through_grant(grant):
        hold_grant(grant, model, needed)
        yield grant


def _require_text(kind: str, text: str) -> None:
    if kind == Activity.Kind.COMMENT and not text.strip():
        raise InvalidInput("A comment needs a text.", field="text")
    if kind != Activity.Kind.COMMENT and text:
        raise InvalidInput(f"Only a comment has a text, not a {kind.replace('_', ' ')}.", field="text")


def record(*, model: type[Resource], resource_id: uuid.UUID, kind: str, text: str = "") -> Outcome:
    """Let the acting user comment on, favourite, like or vote on a resource.

    A favourite, like or vote that exists already is returned as it is; the opposite vote is turned round.
    What is about a resource that is shared with the bound namespace is kept at its home, where the grant is
    held meanwhile. Raises InvalidInput for a resource that is not visible here, and for a text where none
    belongs or none where one is needed; NotPermitted where the grant does not let others comment.
    """
    _require_text(kind, text)
    here, row = require_namespace(), {"kind": kind, "resource_id": resource_id, "text": text}
    try:
        with transaction.atomic(), _at_home_of(model, resource_id) as grant:
            if grant is not None:
                row |= {"via": here.slug, "via_key": here.pk}
            made, created = _recorded(Activity(resource_type=type_of(model), **row))
    except RowNotFound as error:
        raise InvalidInput(
            f"No such {model._meta.verbose_name} is visible in this namespace.", field="resource_id"
        ) from error
    return Outcome(made, created, elsewhere=grant is not None)


def _recorded(row: Activity) -> tuple[Activity, bool]:
    """Return what stands for ``row`` in the bound namespace now, and whether that is new."""
    if row.kind == Activity.Kind.COMMENT:
        row.save(force_insert=True)
        return row, True
    existing = _existing(row)
    if existing is None:
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            # The same person did the same at this very moment.
            existing = _existing(row)
            if existing is None:
                raise
        else:
            return row, True
    if existing.kind != row.kind:
        existing.kind = row.kind
        existing.save(update_fields=["kind"])
    return existing, False


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


def activities_on(model: type[Resource], resource_id: uuid.UUID, via: Any | None = None) -> Any:
    """Return the activities on a resource that lives here; ``via`` narrows them to what came through that."""
    rows = _on(type_of(model), resource_id)
    return rows if via is None else rows.filter(via_key=via.pk)


def withdraw(grant: Any, model: type[Resource], activity_id: uuid.UUID) -> None:
    """Delete what the acting user did, through the bound namespace, with a resource that ``grant`` shows.

    Raises RowNotFound for what did not come through here, NotPermitted for what somebody else did.
    """
    here = require_namespace()
    with transaction.atomic(), through_grant(grant):
        rows = activities_on(model, grant.row_id, here).filter(pk=activity_id)
        found = rows.select_for_update(of=("self",)).first()
        hold_grant(grant, model, GrantRole.VIEW)
        if found is None:
            raise RowNotFound("There is no such activity here.")
        if found.created_by_id != _acting():
            raise NotPermitted("Somebody else did this: they, or an admin of its home, can delete it.")
        found.delete()


def summarise(model: type[Resource], resource_id: uuid.UUID, via: Any | None = None) -> Summary:
    """Count the activities on a resource by kind, in one query; ``via`` as in :func:`activities_on`."""
    rows = (
        activities_on(model, resource_id, via)
        .values("kind")
        .annotate(total=Count("pk"), own=Count("pk", filter=Q(created_by=_acting())))
        .order_by("kind")
    )
    found = {row["kind"]: row for row in rows}
    counts = {kind: found[kind]["total"] if kind in found else 0 for kind in Activity.Kind.values}
    return Summary(counts, [kind for kind, row in found.items() if row["own"]])
