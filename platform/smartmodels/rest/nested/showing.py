"""What rows look like together with the rows that were written with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smartmodels.rest.nested.branches import Branch

__all__ = ["show_tree"]


def show_tree(show: Any, rows: Sequence[Any], branches: Sequence[Branch]) -> list[dict[str, Any]]:
    """Return the rows, each with its nested rows of the names that the request was about, as they are now."""
    shown = [dict(show(row)) for row in rows]
    for branch in branches:
        nested = _above(branch, rows) if branch.relation.is_above else _below(branch, rows)
        for row, inside in zip(shown, nested, strict=True):
            row[branch.name] = inside
    return shown


def _above(branch: Branch, rows: Sequence[Any]) -> list[Any]:
    keys = [getattr(row, branch.relation.field.attname) for row in rows]
    found = list(branch.view.get_queryset().filter(pk__in={key for key in keys if key is not None}))
    inside = show_tree(branch.serializer.to_representation, found, branch.further)
    by_key = {row.pk: each for row, each in zip(found, inside, strict=True)}
    return [by_key.get(key) for key in keys]


def _below(branch: Branch, rows: Sequence[Any]) -> list[Any]:
    name = branch.relation.field.attname
    keys = [row.pk for row in rows]
    found = list(branch.view.get_queryset().filter(**{f"{name}__in": keys}).order_by("created_at", "pk"))
    inside: dict[Any, list[Any]] = {key: [] for key in keys}
    shown = show_tree(branch.serializer.to_representation, found, branch.further)
    for row, each in zip(found, shown, strict=True):
        inside[getattr(row, name)].append(each)
    return [inside[key] for key in keys]
