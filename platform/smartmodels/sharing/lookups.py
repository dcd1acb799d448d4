"""``filter(namespaces__in=[beta])``: rows of the bound namespace by where they are visible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from smartmodels.context import require_namespace
from smartmodels.querysets import is_private
from smartmodels.sharing.grants import GrantStatus, get_grant_model
from smartmodels.sharing.registering import label_of

__all__ = ["SENTINEL_NAMESPACE", "by_namespaces"]

SENTINEL_NAMESPACE = "sentinel"
"""The name under which every row is found: no namespace bears it, and nothing is stored for it."""

_NAMES = ("namespaces", "namespaces__in")
_ALL = ~Q(pk__in=())


def by_namespaces(model: Any, conditions: dict[str, Any]) -> tuple[list[Q], dict[str, Any]]:
    """Return the conditions on namespaces as others, and the rest of the conditions.

    Values are namespaces or their slugs. Each row is visible at home and in :data:`SENTINEL_NAMESPACE`; in
    another namespace while an active grant shows it there. In private mode no grant does.
    """
    if not conditions.keys() & set(_NAMES) or not hasattr(model, "namespaces"):
        return [], conditions
    asked = {name: conditions[name] for name in _NAMES if name in conditions}
    rest = {name: value for name, value in conditions.items() if name not in asked}
    return [
        _visible_in(model, [value] if name == "namespaces" else value) for name, value in asked.items()
    ], rest


def _visible_in(model: Any, namespaces: Iterable[Any]) -> Q:
    here: Any = require_namespace()
    slugs = {each if isinstance(each, str) else each.slug for each in namespaces}
    if slugs & {here.slug, SENTINEL_NAMESPACE}:
        return _ALL
    grants = get_grant_model().objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=Now()),
        home_id=here.pk, model=label_of(model), status=GrantStatus.ACTIVE, target__slug__in=slugs,
        resource_deleted=False,
    )  # fmt: skip
    return Q(pk__in=grants.none() if is_private() else grants.values("row_id"))
