"""Copies that were promised to those who saw a row: made before its home goes (``at_end`` is ``copy``)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.db import DatabaseError, DataError, IntegrityError, models, transaction
from django.utils import timezone

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import GrantStateRefused, SmartModelsError
from smartmodels.sharing.copied_files import CopiedFiles
from smartmodels.sharing.copied_links import Copies, copy_links
from smartmodels.sharing.deciding import expire_grants
from smartmodels.sharing.grants import GrantEnd, GrantStatus, get_event_model, get_grant_model
from smartmodels.tenancy.models import State, get_membership_model, get_namespace_model
from smartmodels.tenancy.placement import is_tenant_model

__all__ = ["Copied", "copy_promised", "homes_to_copy", "promised"]

logger = logging.getLogger("smartmodels.sharing")

_OWN = frozenset(
    (
        "id",
        "owner",
        "former_owner_id",
        "owner_before_deletion_id",
        "created_at",
        "created_by",
        "updated_at",
        "updated_by",
        "deleted_at",
        "deleted_by",
        "deleted_in",
    )
)
"""What a copy does not take over: it is a new row of its own."""


@dataclass(slots=True)
class Copied:
    """What became of the copies that a home promised.

    How many were made, why some cannot be (by grant), and what stood in the way of others that are still owed
    (by target).
    """

    made: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)


def promised(home: Any) -> Any:
    """Return the grants of a home whose copies are not made yet."""
    living = (GrantStatus.ACTIVE, GrantStatus.SUSPENDED)
    return get_grant_model().objects.filter(
        home_id=home.pk, at_end=GrantEnd.COPY, copied_at=None, status__in=living, resource_deleted=False
    )


def homes_to_copy() -> list[Any]:
    """Return the deleted namespaces that owe copies, in the order in which they go."""
    owing = get_grant_model().objects.filter(
        at_end=GrantEnd.COPY, copied_at=None, status=GrantStatus.SUSPENDED, resource_deleted=False
    )
    homes = get_namespace_model().objects.filter(state=State.DELETED, pk__in=owing.values("home_id"))
    return list(homes.order_by("purge_after", "slug"))


def copy_promised(home: Any) -> Copied:
    """Copy what ``home`` promised to those it shares with; each target has all of its copies or none.

    A copy belongs to who accepted the grant, if they are a member still, else to the sentinel. What it points
    at is its own copy where that is made along with it, else nothing; where there has to be something no copy
    can be made, which the grant then says. Its uploaded files are copied into the folder of the target; links
    between many rows come along where both are in the target. Repeating it changes nothing. Raises
    GrantStateRefused for a home that is not deleted.
    """
    if home.state != State.DELETED:
        raise GrantStateRefused(f"{home.slug} is {home.state}: copies are made when it is deleted.")
    expire_grants()
    done = Copied()
    for target in get_namespace_model().objects.filter(pk__in=promised(home).values("target_id")):
        with operation(actor=Actor.system(f"copies from {home.slug}"), reason="The home of the row goes."):
            try:
                _copy_to(home, target, done)
            except (DatabaseError, OSError, SmartModelsError) as error:
                logger.warning("Copies from %s to %s are not made.", home.slug, target.slug, exc_info=error)
                done.left[target.slug] = f"{type(error).__name__}: they are owed still."
    return done


def _copy_to(home: Any, target: Any, done: Copied) -> None:
    files = CopiedFiles(home, target)
    try:
        with transaction.atomic():
            refused, made = _copy_all(files)
    except BaseException:
        files.forget()
        raise
    done.refused.update(refused)
    done.made += made


def _copy_all(files: CopiedFiles) -> tuple[dict[str, str], int]:
    """Return why some copies cannot be made, by grant, and how many were."""
    home, target = files.home, files.target
    grants = list(promised(home).filter(target_id=target.pk).select_for_update().order_by("pk"))
    copies: dict[tuple[Any, Any], Any] = {}
    pairs: list[tuple[Any, Any]] = []
    refused = {}
    for grant in _parents_first(grants):
        row, made, why = _copy(files, grant, copies)
        if made is not None:
            copies[type(made), grant.row_id] = made.pk
            pairs.append((row, made))
        else:
            refused[str(grant.pk)] = why
        get_grant_model().objects.filter(pk=grant.pk).update(
            copied_at=timezone.now(), copied_as=made and made.pk, copy_refused=why
        )
    for row, made in pairs:
        copy_links(home, target, row, made, copies)
    return refused, len(pairs)


def _parents_first(grants: list[Any]) -> Iterator[Any]:
    """Yield grants of what is pointed at before those of what points at it, as far as that is possible."""
    by_label: dict[str, list[Any]] = {}
    for grant in grants:
        by_label.setdefault(grant.model, []).append(grant)
    while by_label:
        free = next((label for label in by_label if not _points_at(label, set(by_label) - {label})), None)
        yield from by_label.pop(free or next(iter(by_label)))


def _points_at(label: str, others: set[str]) -> bool:
    return any(key.remote_field.model._meta.label_lower in others for key in _keys(apps.get_model(label)))


def _keys(model: Any) -> list[Any]:
    """Return the keys of a model that point at rows of namespaces."""
    keys = [each for each in model._meta.concrete_fields if each.remote_field is not None]
    return [each for each in keys if each.name not in _OWN and is_tenant_model(each.remote_field.model)]


def _copy(files: CopiedFiles, grant: Any, copies: Copies) -> tuple[Any, Any, str]:
    """Return the row and its copy, or None for this and why there is none."""
    model: Any = apps.get_model(grant.model)
    with namespace_scope(files.home):
        row = model.objects.filter(pk=grant.row_id).first()
    if row is None:
        return None, None, "The row is not there any more."
    mark = files.mark
    values = {
        each.attname: getattr(row, each.attname)
        for each in model._meta.concrete_fields
        if each.name not in _OWN and not each.generated and not isinstance(each, models.FileField)
    }
    for key in _keys(model):
        to = copies.get((key.remote_field.model, values[key.attname]))
        if to is None and values[key.attname] is not None and not key.null:
            return (
                row,
                None,
                f"It needs a {key.remote_field.model._meta.verbose_name}, which is not copied along.",
            )
        values[key.attname] = to
    made, why = _insert(files, row, values, _receiver(grant, files.target))
    if made is None:
        files.forget(mark)
    return row, made, why


def _insert(files: CopiedFiles, row: Any, values: dict[str, Any], owner: Any) -> tuple[Any, str]:
    try:
        with namespace_scope(files.target), transaction.atomic():
            made = type(row)(**values)
            if owner is not None:
                made.owner_id = owner
            for name, stored in files.copy(row, made).items():
                setattr(made, name, stored)
            made.save(force_insert=True)
    except (IntegrityError, DataError, ValidationError, SuspiciousFileOperation):
        return None, "A rule of the other namespace forbids it, such as a value that is taken there."
    except SmartModelsError as error:
        return None, error.message
    return made, ""


def _receiver(grant: Any, target: Any) -> Any | None:
    """Return the key of who accepted the grant, if they are a member of the target still."""
    accepted = get_event_model().objects.filter(grant_id=grant.pk, status=GrantStatus.ACTIVE)
    users = accepted.exclude(user_id=None).order_by("-id").values_list("user_id", flat=True)[:1]
    members = get_membership_model().objects.filter(namespace_id=target.pk, user_id__in=list(users))
    return members.values_list("user_id", flat=True).first()
