"""New rows take over the grants of what they belong to (``SMARTMODELS_INHERIT_NAMESPACES``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now

from smartmodels.context import require_namespace, require_operation
from smartmodels.querysets import is_private
from smartmodels.sharing.models import LIVING, get_grant_model

__all__ = ["inherit_grants"]


def _keys_above(model: Any) -> list[Any]:
    """Return the keys by which a row belongs to a resource: it goes when that goes."""
    return [
        field
        for field in model._meta.concrete_fields
        if field.remote_field is not None
        and field.remote_field.on_delete is models.CASCADE
        and hasattr(field.remote_field.model, "namespaces")
    ]


def _living_grants(home: Any, field: Any, rows: Sequence[Any]) -> dict[Any, list[Any]]:
    """Return the living grants of the rows above, by their keys: one query."""
    keys = {getattr(row, field.attname) for row in rows}
    grants = get_grant_model().objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=Now()),
        home_id=home.pk,
        status__in=LIVING,
        resource__model=field.remote_field.model._meta.label_lower,
        resource__resource_id__in=keys,
    )
    found: dict[Any, list[Any]] = {}
    for grant in grants.select_related("resource"):
        found.setdefault(grant.resource.resource_id, []).append(grant)
    return found


def inherit_grants(rows: Sequence[Any]) -> int:
    """Give new rows of one model the grants of what they belong to; return how many were made.

    A grant that is pending there is pending here. At most five queries, however many rows.
    """
    model, home = type(rows[0]), require_namespace()
    if is_private() or not model.smart.shareable:
        return 0
    wanted: dict[tuple[Any, Any], Any] = {}
    for field in _keys_above(model):
        above = _living_grants(home, field, rows)
        for row in rows:
            for grant in above.get(getattr(row, field.attname), ()):
                wanted.setdefault((row.pk, grant.target_id), grant)
    if not wanted:
        return 0
    with transaction.atomic():
        keys = {key for key, _ in wanted}
        registered = _register(model, home, [row for row in rows if row.pk in keys])
        return _grant_all(home, registered, wanted)


def _register(model: Any, home: Any, rows: Sequence[Any]) -> dict[Any, Any]:
    registry = get_grant_model()._meta.get_field("resource").related_model
    label = model._meta.label_lower
    registry.objects.bulk_create(
        [registry(home_id=home.pk, model=label, resource_id=row.pk, label=str(row)[:200]) for row in rows],
        ignore_conflicts=True,
    )
    found = registry.objects.filter(home_id=home.pk, model=label, resource_id__in=[row.pk for row in rows])
    return {each.resource_id: each for each in found}


def _grant_all(home: Any, registered: dict[Any, Any], wanted: dict[tuple[Any, Any], Any]) -> int:
    model, by = get_grant_model(), require_operation().actor.label
    made = model.objects.bulk_create(
        [
            model(
                resource=registered[key], home_id=home.pk, target_id=target, created_by_label=by,
                role=like.role, status=like.status, expires_at=like.expires_at,
            )
            for (key, target), like in wanted.items()
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return len(made)
