"""The managers of a soft-deletable model: ``objects``, ``deleted_objects`` and ``all_objects``."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from asgiref.sync import sync_to_async
from django.db import models
from safedelete.config import DELETED_INVISIBLE, DELETED_ONLY_VISIBLE, DELETED_VISIBLE
from safedelete.managers import SafeDeleteManager
from safedelete.query import SafeDeleteQuery
from safedelete.queryset import SafeDeleteQueryset

from smartmodels.conf import settings
from smartmodels.querysets import ScopedQuerySet, check_values
from smartmodels.softdelete.purging import refuse_purge_of_others
from smartmodels.softdelete.queries import AliveQuery
from smartmodels.softdelete.restoring import restore
from smartmodels.softdelete.services import soft_delete

__all__ = ["AliveManager", "AllManager", "DeletedManager", "SmartQuerySet"]

M = TypeVar("M", bound=models.Model)


class SmartQuerySet(ScopedQuerySet[M], SafeDeleteQueryset):
    """Rows of one namespace, deleted ones filtered by the manager they come from."""

    def __init__(self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
        super().__init__(model, query if query is not None else SafeDeleteQuery(model), using, hints)

    def delete(self) -> tuple[int, dict[str, int]]:  # type: ignore[override]
        """Soft-delete every row of the queryset and what cascades from it, in one operation."""
        self._refuse_parts("delete")
        deletion = soft_delete(self.model, self._keys(), using=self.db)
        self._result_cache = None
        return deletion.as_counts()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def undelete(self) -> tuple[int, dict[str, int]]:  # type: ignore[override]
        """Restore every deleted row of the queryset, each with what its deletion took along."""
        self._refuse_parts("undelete")
        restored = restore(self.model, self._keys(), using=self.db)
        self._result_cache = None
        return restored.as_counts()

    undelete.alters_data = True  # type: ignore[attr-defined]

    async def aundelete(self) -> tuple[int, dict[str, int]]:
        """Restore as :meth:`undelete`, from async code."""
        return await sync_to_async(self.undelete)()

    aundelete.alters_data = True  # type: ignore[attr-defined]

    def _refuse_parts(self, what: str) -> None:
        """Refuse what Django refuses to delete: not rows, or a part of them that the order decides on."""
        if self.query.is_sliced:
            raise TypeError(f"Cannot use 'limit' or 'offset' with {what}().")
        if self.query.distinct_fields:
            raise TypeError(f"Cannot call {what}() after .distinct(*fields).")
        if cast(Any, self)._fields is not None:
            raise TypeError(f"Cannot call {what}() after .values() or .values_list()")

    def _keys(self) -> list[Any]:
        return list(self.order_by().values_list("pk", flat=True))

    def purge(self) -> tuple[int, dict[str, int]]:
        """Remove the rows for good; history keeps that they existed."""
        refuse_purge_of_others(self.all(), self.db)
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
        hides = self._hides_deleted()
        query = AliveQuery(self.model) if hides else None
        queryset: SmartQuerySet[Any] = self._queryset_class(
            self.model, query=query, using=self._db, hints=self._hints
        )
        shows_all = self._safedelete_visibility == DELETED_INVISIBLE and not hides
        queryset.query._safedelete_visibility = DELETED_VISIBLE if shows_all else self._safedelete_visibility
        queryset.query._safedelete_visibility_field = self._safedelete_visibility_field
        return queryset

    def _hides_deleted(self) -> bool:
        return self._safedelete_visibility == DELETED_INVISIBLE and settings().HIDE_DELETED

    def update_or_create(self, defaults: Any = None, create_defaults: Any = None, **kwargs: Any) -> Any:
        """Update the living row that matches, or create one; a deleted match is never revived."""
        return self.get_queryset().update_or_create(defaults, create_defaults, **kwargs)


class AliveManager(_Manager):
    """Rows that are not deleted: what ``Model.objects`` shows, unless ``SMARTMODELS_HIDE_DELETED`` is off."""

    _safedelete_visibility = DELETED_INVISIBLE


class DeletedManager(_Manager):
    """Rows that are deleted and can be restored."""

    _safedelete_visibility = DELETED_ONLY_VISIBLE


class AllManager(_Manager):
    """Living and deleted rows."""

    _safedelete_visibility = DELETED_VISIBLE
