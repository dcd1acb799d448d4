"""The managers of a soft-deletable model: ``objects``, ``deleted_objects`` and ``all_objects``."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from safedelete.config import DELETED_INVISIBLE, DELETED_ONLY_VISIBLE, DELETED_VISIBLE
from safedelete.managers import SafeDeleteManager
from safedelete.query import SafeDeleteQuery
from safedelete.queryset import SafeDeleteQueryset

from smartmodels.querysets import ScopedQuerySet, check_values
from smartmodels.softdelete.services import restore, soft_delete

__all__ = ["AliveManager", "AllManager", "DeletedManager", "SmartQuerySet"]

M = TypeVar("M", bound=models.Model)


class SmartQuerySet(ScopedQuerySet[M], SafeDeleteQueryset):
    """Rows of one namespace, deleted ones filtered by the manager they come from."""

    def __init__(self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
        super().__init__(model, query if query is not None else SafeDeleteQuery(model), using, hints)

    def delete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        """Soft-delete every row of the queryset and what cascades from it, in one operation."""
        if self.query.is_sliced:
            raise TypeError("Cannot use 'limit' or 'offset' with delete().")
        deletion = soft_delete(self.model, self.values_list("pk", flat=True), using=self.db)
        self._result_cache = None
        return deletion.as_counts()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def undelete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        """Restore every deleted row of the queryset, each with what its deletion took along."""
        restored = restore(self.model, self.values_list("pk", flat=True), using=self.db)
        self._result_cache = None
        return restored.as_counts()

    undelete.alters_data = True  # type: ignore[attr-defined]

    def purge(self) -> tuple[int, dict[str, int]]:
        """Remove the rows for good; history keeps that they existed."""
        return models.QuerySet.delete(self)

    purge.alters_data = True  # type: ignore[attr-defined]
    purge.queryset_only = True  # type: ignore[attr-defined]

    def update(self, **kwargs: Any) -> int:
        """Update the rows that the manager shows, deleted ones only where it shows them."""
        check_values(kwargs.values())
        self.query._filter_visibility()
        # Not safedelete's update(), which leaves deleted rows out even where the manager shows them.
        return models.QuerySet.update(self, **kwargs)

    update.alters_data = True  # type: ignore[attr-defined]


class _Manager(SafeDeleteManager.from_queryset(SmartQuerySet)):  # type: ignore[misc]
    _queryset_class = SmartQuerySet

    def get_queryset(self) -> SmartQuerySet[Any]:
        queryset: SmartQuerySet[Any] = self._queryset_class(self.model, using=self._db, hints=self._hints)
        queryset.query._safedelete_visibility = self._safedelete_visibility
        queryset.query._safedelete_visibility_field = self._safedelete_visibility_field
        return queryset

    def update_or_create(self, defaults: Any = None, create_defaults: Any = None, **kwargs: Any) -> Any:
        """Update the living row that matches, or create one; a deleted match is never revived."""
        return self.get_queryset().update_or_create(defaults, create_defaults, **kwargs)


class AliveManager(_Manager):
    """Rows that are not deleted: what ``Model.objects`` shows."""

    _safedelete_visibility = DELETED_INVISIBLE


class DeletedManager(_Manager):
    """Rows that are deleted and can be restored."""

    _safedelete_visibility = DELETED_ONLY_VISIBLE


class AllManager(_Manager):
    """Living and deleted rows."""

    _safedelete_visibility = DELETED_VISIBLE
