"""Grants that cover what belongs to a row: what is there already, and what is made later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from smartmodels.sharing.grants import LIVING, GrantCause, GrantRole, get_grant_model
from smartmodels.sharing.registering import label_of, register

__all__ = ["cover", "covering_grants", "follow", "inherited_lately", "keys_above"]

AT_ONCE = 1_000
"""Rows that are granted in one go."""

inherited_lately: ContextVar[Any | None] = ContextVar("smartmodels_inherited", default=None)
"""What new rows of the open operation inherit, which is not asked for each of them."""


def keys_above(model: Any) -> list[Any]:
    """Return the keys by which a row belongs to a resource: it goes when that goes."""
    return [
        field
        for field in model._meta.concrete_fields
        if field.remote_field is not None
        and field.remote_field.on_delete is models.CASCADE
        and hasattr(field.remote_field.model, "smart")
        and hasattr(field.remote_field.model, "namespaces")
    ]


def _keys_below(model: Any) -> Iterable[tuple[Any, Any]]:
    """Yield the models whose rows belong to rows of ``model``, and the keys by which they do."""
    for below in apps.get_models():
        if hasattr(below, "smart") and hasattr(below, "namespaces") and below.smart.shareable:
            yield from ((below, field) for field in keys_above(below) if field.remote_field.model is model)


def cover(grants: Sequence[Any], policy: Any) -> int:
    """Grant what belongs to the rows of these covering grants, all the way down; return how many follow them.

    ``policy`` is that of the home: no role is above its limit. Deleted rows are among them, whose grants
    sleep until they are restored. The home is bound. The number of queries grows with models and with
    thousands of rows.
    """
    following = 0
    inherited_lately.set(None)
    by_model: dict[str, list[Any]] = defaultdict(list)
    for grant in grants:
        by_model[grant.model].append(grant)
    for label, above in by_model.items():
        for below, field in _keys_below(apps.get_model(label)):
            keys = [grant.row_id for grant in above]
            rows = list(below.all_objects.filter(**{f"{field.attname}__in": keys}).only("pk", field.attname))
            for first in range(0, len(rows), AT_ONCE):
                followers = follow(rows[first : first + AT_ONCE], {field: above}, policy)
                following += len(followers) + cover(followers, policy)
    return following


def follow(rows: Sequence[Any], covering: Mapping[Any, Sequence[Any]], policy: Any) -> list[Any]:
    """Grant rows of one model like what they belong to; return the grants that follow.

    ``covering`` has the covering grants of the rows above, by the key of ``rows`` that points at those.
    """
    grants: list[tuple[Any, Any]] = []
    for field, above in covering.items():
        by_key: dict[Any, list[Any]] = defaultdict(list)
        for grant in above:
            by_key[grant.row_id].append(grant)
        grants += [(row.pk, grant) for row in rows for grant in by_key[getattr(row, field.attname)]]
    if not grants:
        return []
    registered = register(type(rows[0]), {key for key, _ in grants}, deleted=True)
    return _grant_like(registered, grants, policy)


def _grant_like(registered: dict[Any, Any], wanted: Sequence[tuple[Any, Any]], policy: Any) -> list[Any]:
    model = get_grant_model()
    model.objects.bulk_create(
        [
            model(
                resource_id=registered[key], home_id=like.home_id, target_id=like.target_id, row_id=key,
                target_slug=like.target_slug, source=like, cause=GrantCause.RULE, status=like.status,
                role=_lower(like.role, policy.highest_role), expires_at=like.expires_at,
                answer_by=like.answer_by, covers_below=True,
                history=like.history, at_end=like.at_end, created_by_label=like.created_by_label,
            )
            for key, like in wanted
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    # Those that there were already as well: rows may have come below them while nothing was covered.
    sources, keys = {like.pk for _, like in wanted}, {registered[key] for key, _ in wanted}
    return list(
        model.objects.filter(source__in=sources, resource__in=keys, status__in=LIVING, cause=GrantCause.RULE)
    )


def _lower(*roles: str) -> str:
    return min(roles, key=lambda role: GrantRole(role).rank)


def covering_grants(home: Any, field: Any, keys: Iterable[Any]) -> list[Any]:
    """Return the living grants of ``home`` that cover what belongs to the rows with these keys: one query."""
    grants = get_grant_model().objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=Now()),
        home_id=home.pk,
        status__in=LIVING,
        covers_below=True,
        model=label_of(field.remote_field.model),
        row_id__in=set(keys),
    )
    return list(grants)
