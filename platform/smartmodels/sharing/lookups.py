"""``filter(namespaces__in=[beta])``: rows by where they are visible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from smartmodels.context import require_namespace
from smartmodels.querysets import is_private
from smartmodels.sharing.grants import GrantStatus, get_grant_model
from smartmodels.sharing.registering import label_of

__all__ = ["SENTINEL_NAMESPACE", "by_namespaces", "seen_in"]

SENTINEL_NAMESPACE = "sentinel"
"""The name under which every row is found: no namespace bears it, and nothing is stored for it."""

_NAMES = ("namespaces", "namespaces__in")
_ALL = ~Q(pk__in=())


def by_namespaces(
    model: Any, conditions: dict[str, Any], *, many: bool = False
) -> tuple[list[Q], dict[str, Any]]:
    """Return the conditions on namespaces as others, and the rest of the conditions.

    Values are namespaces or their slugs. Each row is visible at home and in :data:`SENTINEL_NAMESPACE`; in
    another namespace while an active grant shows it there. In private mode no grant does. With ``many`` rows
    are of several namespaces and say ``home``, else they are those of the bound one.
    """
    if not conditions.keys() & set(_NAMES) or not hasattr(model, "namespaces"):
        return [], conditions
    asked = {name: conditions[name] for name in _NAMES if name in conditions}
    rest = {name: value for name, value in conditions.items() if name not in asked}
    slugs = (_slugs([value] if name == "namespaces" else value) for name, value in asked.items())
    visible_in = _of_any_in if many else _own_in
    return [visible_in(model, each) for each in slugs], rest


def seen_in(model: Any, slugs: Iterable[str], here: Q | None) -> Q:
    """Return the condition that rows are visible in one of the namespaces, as far as may be known here.

    ``here`` is the condition that a row is at home in the bound namespace; None where all of them are. Of a
    row that others share it is known that it is visible there and here, and where it was passed on from here:
    who manages it sees that there are other grants, not to whom.
    """
    asked = set(slugs)
    own = _own_in(model, asked)
    return own if here is None else (here & own) | (~here & _shared_in(model, asked))


def _slugs(namespaces: Iterable[Any]) -> set[str]:
    return {each if isinstance(each, str) else each.slug for each in namespaces}


def _own_in(model: Any, slugs: set[str]) -> Q:
    here: Any = require_namespace()
    if slugs & {here.slug, SENTINEL_NAMESPACE}:
        return _ALL
    return Q(pk__in=_granted(model, slugs).filter(home_id=here.pk).values("row_id"))


def _of_any_in(model: Any, slugs: set[str]) -> Q:
    if SENTINEL_NAMESPACE in slugs:
        return _ALL
    return Q(home__in=slugs) | Q(pk__in=_granted(model, slugs).values("row_id"))


def _shared_in(model: Any, slugs: set[str]) -> Q:
    if slugs & {require_namespace().slug, SENTINEL_NAMESPACE}:
        return _ALL
    passed = _granted(model, slugs).filter(passer_id=require_namespace().pk)
    return Q(home__in=slugs) | Q(pk__in=passed.values("row_id"))


def _granted(model: Any, slugs: set[str]) -> Any:
    """Return the grants by which rows of ``model`` are visible in the namespaces now."""
    grants = get_grant_model().objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=Now()),
        model=label_of(model), status=GrantStatus.ACTIVE, target__slug__in=slugs, resource_deleted=False,
    )  # fmt: skip
    return grants.none() if is_private() else grants
