"""Which rows of a resource are visible in a namespace: its own, and those that a grant shows there.

``Study.objects.visible()`` and the lists of the API read both by :func:`shared_rows`.
"""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, Case, CharField, F, OuterRef, Q, Subquery, Value, When

from smartmodels.conf import settings
from smartmodels.context import require_namespace
from smartmodels.exceptions import InvalidInput
from smartmodels.querysets import is_private
from smartmodels.sharing.across_homes import shared_rows
from smartmodels.sharing.homes import Home, chunks_of, homes_of, shown_grants, shown_of
from smartmodels.sharing.reading import active_grants, rows_at_home

__all__ = ["VISIBLE", "visible_parts", "visible_rows"]

VISIBLE = ("all", "own", "shared")
"""What is looked at: everything visible here, the namespace's own rows, or what others share with it."""


def visible_parts(model: Any, scope: str = "all") -> list[Any]:
    """Return the living rows of ``model`` that are visible in the bound namespace, as querysets.

    There are as many as it takes for none to touch more homes than one statement may. For Python, frames and
    reports: rows say ``home``, ``is_shared`` and ``granted_role``, and all of their columns can be read,
    since who asks is the project's own code. What homes share that cannot be read just now is left out.
    Raises InvalidInput for a scope that is none of :data:`VISIBLE`.
    """
    if scope not in VISIBLE:
        raise InvalidInput(f"{scope!r} is no scope of visible rows: one of {', '.join(VISIBLE)}.")
    if is_private():
        return [_private(model, scope)]
    shown = {} if scope == "own" else shown_of(shown_grants(model))
    homes = [each for each in homes_of(shown) if each.is_readable]
    here: Any = require_namespace()
    if not homes:
        return [] if scope == "shared" else [_own(model, here)]
    if scope != "shared":
        homes.append(Home(here, None))
    return [_told(shared_rows(model, lot), here) for lot in chunks_of(homes)]


def _own(model: Any, here: Any) -> Any:
    """Return the namespace's own rows, saying what shared ones say."""
    text = CharField(null=True)
    return model.objects.annotate(
        home=Value(here.slug, output_field=text),
        is_shared=Value(False, output_field=BooleanField()),
        granted_role=Value(None, output_field=text),
    )


def _private(model: Any, scope: str) -> Any:
    """Return the rows that are visible to who acts: their own, and what others of the namespace share."""
    here: Any = require_namespace()
    own, shown = model.objects.all(), active_grants(model)
    mine, theirs = Q(pk__in=own.values("pk")), Q(pk__in=shown.values("row_id"))
    chosen = {"own": mine, "shared": ~mine & theirs}.get(scope, mine | theirs)
    role = shown.filter(row_id=OuterRef("pk")).values("role")[:1]
    return (
        rows_at_home(model)
        .filter(chosen)
        .annotate(
            home=Value(here.slug, output_field=CharField()),
            is_shared=Case(When(mine, then=Value(False)), default=Value(True)),
            granted_role=Case(When(mine, then=Value(None)), default=Subquery(role)),
        )
    )


def _told(rows: Any, here: Any) -> Any:
    """Return the rows, of which those that are at home here are not shared."""
    own = Q(home=here.slug)
    return rows.annotate(
        is_shared=Case(When(own, then=Value(False)), default=Value(True)),
        granted_role=Case(When(own, then=Value(None)), default=F("granted_role")),
    )


def visible_rows(model: Any, scope: str = "all") -> Any:
    """Return :func:`visible_parts` as one queryset: what ``Study.objects.visible()`` is.

    Raises InvalidInput where so many homes share rows that it takes several.
    """
    parts = visible_parts(model, scope)
    if len(parts) > 1:
        limit = settings().SCHEMAS_PER_STATEMENT
        raise InvalidInput(
            f"More than {limit} namespaces share rows of this kind: read them part by part (visible_parts).",
            limit=limit,
        )
    return parts[0] if parts else model.objects.none()
