"""Delete sets of rows: one UPDATE per model, in one transaction (DESIGN H3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from smartmodels.context import Operation, operation, require_operation
from smartmodels.querysets import sees_everything
from smartmodels.softdelete.collecting import collect, refuse_protected
from smartmodels.softdelete.links import cut_links
from smartmodels.softdelete.others import refuse_others
from smartmodels.softdelete.relations import Model, links_below

__all__ = ["Deletion", "soft_delete"]


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a deletion or restoration changed: keys by model.

    ``left`` are rows that could not come along, ``values`` what a deletion set, as keywords of ``update()``.
    """

    rows: Mapping[Model, frozenset[Any]]
    left: Mapping[Model, frozenset[Any]] = field(default_factory=dict)
    values: Mapping[Model, Mapping[str, Any]] = field(default_factory=dict)

    def as_counts(self) -> tuple[int, dict[str, int]]:
        """Return (total, by label), the form of Django's own ``delete()``."""
        counts = {model._meta.label: len(keys) for model, keys in self.rows.items() if keys}
        return sum(counts.values()), counts


def frozen(rows: Mapping[Model, Iterable[Any]]) -> dict[Model, frozenset[Any]]:
    """Return the same keys by model, fixed; models without any are left out."""
    return {model: frozenset(keys) for model, keys in rows.items() if keys}


def soft_delete(model: Model, keys: Iterable[Any], *, using: str | None = None) -> Deletion:
    """Mark the rows and everything that cascades from them as deleted.

    Links that ``on_delete`` says to cut are set to null and remembered. Rows that are deleted already stay
    as they are. Raises ProtectedRows, and NotPermitted in private mode when rows of others would go or
    change; then nothing has changed.
    """
    database = using or router.db_for_write(model)
    opened = require_operation()
    wanted = list(keys)
    with operation(id=opened.id, actor=opened.actor):
        if len(wanted) == 1 and not links_below(model) and sees_everything():
            return _mark_one(model, wanted[0], opened, database)
        return _mark_all(model, wanted, opened, database)


def _values(model: Model, opened: Operation) -> dict[str, Any]:
    return {"deleted_at": timezone.now(), "deleted_in": opened.id, **model.values_on_delete(opened)}


def _mark_one(model: Model, key: Any, opened: Operation, using: str) -> Deletion:
    """Mark a row that nothing points at: one statement, which needs no transaction around it."""
    values = _values(model, opened)
    living = model.all_objects.using(using).filter(pk=key, deleted_at__isnull=True)
    return Deletion(frozen({model: [key] * living.update(**values)}), values={model: values})


def _mark_all(model: Model, keys: list[Any], opened: Operation, using: str) -> Deletion:
    with transaction.atomic(using=using):
        found = collect(model, keys, using)
        refuse_others((found.going, found.staying), using)
        refuse_protected(found, using)
        values = {current: _values(current, opened) for current in found.going}
        for current, pks in found.going.items():
            current.all_objects.using(using).filter(pk__in=pks).update(**values[current])
        cut_links(found.going, found.staying, using)
    return Deletion(frozen(found.going), values=values)
