"""What rows look like together with the rows that were written with them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from smartmodels.rest.bulk.links import show_with_links
from smartmodels.rest.nested.branches import Branch
from smartmodels.rest.nested.linking import linked_keys

__all__ = ["show_tree"]


def show_tree(serializer: Any, rows: Sequence[Any], branches: Sequence[Branch]) -> list[dict[str, Any]]:
    """Return the rows, each with its nested rows of the names that the request was about, as they are now."""
    shown = [dict(row) for row in show_with_links(serializer, rows)]
    for branch in branches:
        nested = _way(branch)(branch, rows)
        for row, inside in zip(shown, nested, strict=True):
            row[branch.name] = inside
    return shown


def _way(branch: Branch) -> Any:
    if branch.relation.is_linked:
        return _linked
    return _above if branch.relation.is_above else _below


def _linked(branch: Branch, rows: Sequence[Any]) -> list[Any]:
    keys = linked_keys(branch, [row.pk for row in rows])
    found = _by_key(branch, {key for some in keys.values() for key in some})
    return [[found[key] for key in keys.get(row.pk, ()) if key in found] for row in rows]


def _by_key(branch: Branch, keys: Collection[Any]) -> dict[Any, Any]:
    found = list(branch.view.get_queryset().filter(pk__in=keys)) if keys else []
    inside = show_tree(branch.serializer, found, branch.further)
    return {row.pk: each for row, each in zip(found, inside, strict=True)}


def _above(branch: Branch, rows: Sequence[Any]) -> list[Any]:
    keys = [getattr(row, branch.relation.field.attname) for row in rows]
    found = _by_key(branch, {key for key in keys if key is not None})
    return [found.get(key) for key in keys]


def _below(branch: Branch, rows: Sequence[Any]) -> list[Any]:
    name = branch.relation.field.attname
    keys = [row.pk for row in rows]
    found = list(branch.view.get_queryset().filter(**{f"{name}__in": keys}).order_by("created_at", "pk"))
    inside: dict[Any, list[Any]] = {key: [] for key in keys}
    shown = show_tree(branch.serializer, found, branch.further)
    for row, each in zip(found, shown, strict=True):
        inside[getattr(row, name)].append(each)
    return [inside[key] for key in keys]
