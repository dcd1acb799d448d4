"""``include``: related rows within rows, one query per relation and level."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from smartmodels.context import require_namespace
from smartmodels.rest.filtering.caps import EMBEDDED
from smartmodels.rest.filtering.columns import joined_of
from smartmodels.rest.filtering.errors import InvalidFilter
from smartmodels.rest.filtering.fields import only_fields
from smartmodels.rest.filtering.selection import Inclusion, Selection
from smartmodels.rest.filtering.where import related_rows

__all__ = ["embed", "narrow", "represent", "with_joins"]

_PARENT, _PLACE = "embedded_in", "embedded_at"


def with_joins(view: Any, rows: Any) -> Any:
    """Return the rows with what their serializer shows of the rows their keys lead to."""
    ways = joined_of(view.get_serializer_class(), view.model)
    return rows.select_related(*ways) if ways else rows


def represent(view: Any, rows: Sequence[Any], selection: Selection) -> list[dict[str, Any]]:
    """Return rows as the API shows them: the fields that are wanted, and what is included."""
    serializer = view.get_serializer_class()(rows, many=True, context=view.get_serializer_context())
    shown = [dict(each) for each in only_fields(serializer, selection.fields).data]
    embed(rows, shown, selection.includes)
    return shown


def narrow(row: Any, data: Mapping[str, Any], selection: Selection) -> dict[str, Any]:
    """Return the fields that are wanted of a row that is shown already, and what is included."""
    names = data if selection.fields is None else [name for name in data if name in set(selection.fields)]
    shown = {name: data[name] for name in names}
    embed([row], [shown], selection.includes)
    return shown


def embed(rows: Sequence[Any], shown: list[dict[str, Any]], includes: tuple[Inclusion, ...]) -> None:
    """Add related rows to ``shown``, which stands for ``rows`` in the same order.

    What belongs to rows of another namespace is not shown here, and so not embedded.
    """
    here = require_namespace().slug if includes else None
    own = [getattr(row, "home", here) == here for row in rows]
    for inclusion in includes:
        relation = inclusion.relation
        keys = [
            getattr(row, relation.outer) if at_home else None for row, at_home in zip(rows, own, strict=True)
        ]
        found = _related(inclusion, {key for key in keys if key is not None})
        for key, each in zip(keys, shown, strict=True):
            related = found.get(key, [])
            each[relation.name] = related if relation.is_many else next(iter(related), None)


def _related(inclusion: Inclusion, keys: set[Any]) -> dict[Any, list[dict[str, Any]]]:
    if not keys:
        return {}
    relation, scope, view = inclusion.relation, inclusion.scope, inclusion.view
    rows = related_rows(relation, view).filter(**{f"{relation.inner}__in": keys})
    parent = _PARENT if relation.through_link else relation.inner
    if relation.through_link:
        rows = rows.annotate(**{_PARENT: F(relation.inner)})
    rows = list(with_joins(view, _cut(scope.of(rows), scope, parent))[: EMBEDDED + 1])
    if len(rows) > EMBEDDED:
        raise InvalidFilter(
            f"more than {EMBEDDED} rows of {relation.name!r} belong to this page: ask for less of them",
            ("include",),
        )
    found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row, each in zip(rows, represent(view, rows, scope), strict=True):
        found[getattr(row, parent)].append(each)
    return found


def _cut(rows: Any, scope: Selection, parent: str) -> Any:
    """Return the rows that limit and skip leave of each parent's.

    ``parent`` is an annotation for links only: Django loses a column that is selected twice when it sorts
    by an expression what it filters by a window.
    """
    if scope.limit is None and not scope.skip:
        return rows
    place = Window(RowNumber(), partition_by=F(parent), order_by=[term.ordering for term in scope.order])
    rows = rows.annotate(**{_PLACE: place}).filter(**{f"{_PLACE}__gt": scope.skip})
    if scope.limit is not None:
        rows = rows.filter(**{f"{_PLACE}__lte": scope.skip + scope.limit})
    return rows
