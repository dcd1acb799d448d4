"""Which rows of a resource are visible in a namespace: its own, and those that a grant shows there."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Q, Value, When

from shared_apps.sharing.reading import SCOPES, shared_row
from shared_apps.sharing.reading.grants import Home, homes_of, shown_grants, shown_of
from shared_apps.sharing.reading.rows import shared_rows
from smartmodels.context import require_namespace
from smartmodels.models import Resource

__all__ = ["SCOPES", "shared_row", "visible_rows"]


def visible_rows(model: type[Resource], scope: str = "all") -> Any:
    """Return the living rows of ``model`` that are visible in the bound namespace, as one queryset.

    For frames and reports; the rows say ``home`` and ``is_shared``, and all of their columns can be read,
    since who asks is the project's own code. Where nothing is shared it is the namespace's own queryset.
    What homes share that cannot be read just now is left out. Raises InvalidInput when more homes share rows
    than one statement may read; lists of the API read those lot by lot.
    """
    shown = {} if scope == "own" else shown_of(shown_grants(model))
    homes = [each for each in homes_of(shown) if each.is_readable]
    if not homes:
        return model.objects.none() if scope == "shared" else model.objects.all()
    if scope == "shared":
        return shared_rows(model, homes)
    here: Any = require_namespace()
    rows = shared_rows(model, [*homes, Home(here, None)])
    own = When(Q(home=here.slug), then=Value(False))
    return rows.annotate(is_shared=Case(own, default=Value(True)))
