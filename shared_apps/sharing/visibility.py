"""Which rows of a resource are visible in a namespace: its own, and those that a grant shows there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from smartmodels.context import namespace_scope, require_namespace
from smartmodels.models import Resource
from smartmodels.sharing import active_grants, grant_for

__all__ = ["SCOPES", "shared_row", "visible_rows"]

SCOPES = ("all", "own", "shared")
"""What a list may show: everything visible here, the namespace's own rows, or what others share."""


def _granted(grants: Iterable[Any]) -> Q:
    """Return the condition for the rows that the grants name; a key counts in its own home only."""
    keys: dict[str, list[Any]] = defaultdict(list)
    for grant in grants:
        keys[grant.home.slug].append(grant.resource.resource_id)
    return reduce(or_, (Q(home=slug, pk__in=shown) for slug, shown in keys.items()))


def visible_rows(model: type[Resource], scope: str = "all") -> Any:
    """Return the living rows of ``model`` that are visible in the bound namespace, as one queryset.

    Where nothing is shared it is the namespace's own queryset. Raises InvalidInput when more homes share
    rows than one statement may read.
    """
    grants = list(active_grants(model)) if scope != "own" else []
    if not grants:
        return model.objects.none() if scope == "shared" else model.objects.all()
    here: Any = require_namespace()
    homes = {grant.home_id: grant.home for grant in grants}
    shown = _granted(grants)
    if scope == "all":
        homes[here.pk] = here
        shown |= Q(home=here.slug)
    return model.objects.across(homes.values()).filter(shown)


def shared_row(model: type[Resource], pk: Any) -> Any | None:
    """Return the living row that a grant shows in the bound namespace, or None; it belongs to its home."""
    grant = grant_for(model, pk)
    if grant is None:
        return None
    with namespace_scope(grant.home):
        row: Any = model.objects.filter(pk=pk).first()
    if row is not None:
        row.home = grant.home.slug
    return row
