"""SmartModel: a row that is tracked, soft-deletable, owned and revertible."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings as django_settings
from django.db import models
from django.db.models import F
from django.utils import timezone

from smartmodels.context import Operation, current_schema, require_operation
from smartmodels.history import SmartHistory
from smartmodels.models.options import SmartBase, SmartOptions
from smartmodels.ownership import sentinel_id
from smartmodels.querysets import check_instance
from smartmodels.softdelete import AliveManager, AllManager, DeletedManager, SmartQuerySet, SoftDeleteModel
from smartmodels.tenancy.models import new_key

__all__ = ["SmartModel"]


def _user_key(**options: Any) -> Any:
    """Return a reference to a user: no constraint, since users live in another schema (DESIGN T5)."""
    return models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        editable=False,
        **options,
    )


def _is_new_owner(owner: Any) -> bool:
    """Tell whether ``owner`` is the key of a user who owns rows for themselves: not the sentinel."""
    return isinstance(owner, uuid.UUID | str) and str(owner) != str(sentinel_id())


def _with_stamps(fields: Iterable[str]) -> set[str]:
    """Return the fields to write when ``fields`` change: what :meth:`SmartModel.stamp` sets comes along."""
    names = {*fields, "updated_at", "updated_by"}
    return names | {"former_owner_id"} if names & {"owner", "owner_id"} else names


class StampedQuerySet(SmartQuerySet[Any]):
    """Fills in owner, author and times from the open operation, for writes of many rows."""

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Insert many rows, stamped like single ones."""
        objs = list(objs)
        opened = require_operation()
        for row in objs:
            row.check_namespace()
            row.stamp(opened)
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Any, fields: Any, batch_size: Any = None) -> int:
        """Update many rows, stamped like single ones."""
        objs = tuple(objs)
        opened = require_operation()
        for row in objs:
            row.check_namespace()
            row.stamp(opened)
        return super().bulk_update(objs, _with_stamps(fields), batch_size)

    def update(self, **kwargs: Any) -> int:
        """Update all rows of the queryset, stamped like single ones."""
        opened = require_operation()
        kwargs.setdefault("updated_at", timezone.now())
        if "updated_by" not in kwargs and "updated_by_id" not in kwargs:
            kwargs["updated_by_id"] = opened.actor.user_id or sentinel_id()
        owner = kwargs.get("owner_id", kwargs.get("owner"))
        if _is_new_owner(getattr(owner, "pk", owner)):
            kwargs.setdefault("former_owner_id", None)
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]


class SmartAliveManager(AliveManager.from_queryset(StampedQuerySet)):  # type: ignore[misc]
    """Living rows."""

    _queryset_class = StampedQuerySet


class SmartDeletedManager(DeletedManager.from_queryset(StampedQuerySet)):  # type: ignore[misc]
    """Deleted rows."""

    _queryset_class = StampedQuerySet


class SmartAllManager(AllManager.from_queryset(StampedQuerySet)):  # type: ignore[misc]
    """Living and deleted rows."""

    _queryset_class = StampedQuerySet


class SmartModel(SoftDeleteModel, metaclass=SmartBase):
    """Inherit from this and a model's rows are tracked, soft-deletable, owned and revertible.

    ``owner`` may change hands; ``created_by`` never does. Who, when and why come from the open
    operation. ``former_owner_id`` is the closed account that left the row to the sentinel;
    ``owner_before_deletion_id`` is who gets a deleted row back. ``objects`` shows living rows,
    ``deleted_objects`` deleted ones, ``all_objects`` both, ``history`` every version.
    """

    smart: ClassVar[SmartOptions]

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    owner = _user_key()
    former_owner_id = models.UUIDField(null=True, editable=False)
    owner_before_deletion_id = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = _user_key()
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = _user_key(db_index=False)
    deleted_by = _user_key(null=True, db_index=False)

    objects: ClassVar[Any] = SmartAliveManager()
    all_objects: ClassVar[Any] = SmartAllManager()
    deleted_objects: ClassVar[Any] = SmartDeletedManager()
    history = SmartHistory()

    class Meta:
        abstract = True
        base_manager_name = "all_objects"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._state.schema = current_schema()  # type: ignore[attr-defined]

    # Mutators

    def stamp(self, opened: Operation) -> None:
        """Fill in owner, author and times for a save in operation ``opened``."""
        user_id = opened.actor.user_id or sentinel_id()
        if self._state.adding:
            self.owner_id = self.owner_id or opened.owner_id or sentinel_id()
            self.created_by_id = self.created_by_id or user_id
            self.updated_at = self.created_at
        else:
            self.updated_at = timezone.now()
        self.updated_by_id = user_id
        # Read past the descriptor: a deferred owner is not loaded for this.
        if _is_new_owner(self.__dict__.get("owner_id")):
            self.former_owner_id = None

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save in the namespace the row belongs to; the open operation says who and why.

        Raises NamespaceMismatch in another namespace and ActorRequired outside of any operation.
        """
        self.check_namespace()
        self.stamp(require_operation())
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = _with_stamps(fields)
        super().save(*args, **kwargs)
        self._state.schema = current_schema()  # type: ignore[attr-defined]

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        self.check_namespace()
        return super().delete(*args, **kwargs)

    def undelete(self, *args: Any, **kwargs: Any) -> Any:
        self.check_namespace()
        return super().undelete(*args, **kwargs)

    def purge(self, using: str | None = None) -> tuple[int, dict[str, int]]:
        self.check_namespace()
        return super().purge(using=using)

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        self.check_namespace()
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)

    # Soft deletion hands the row to the sentinel; restoring gives it back

    @classmethod
    def values_on_delete(cls, opened: Operation) -> dict[str, Any]:
        return {
            "deleted_by_id": opened.actor.user_id or sentinel_id(),
            "owner_before_deletion_id": F("owner_id"),
            "owner_id": sentinel_id(),
        }

    @classmethod
    def values_on_restore(cls, opened: Operation) -> dict[str, Any]:
        return {
            "deleted_by_id": None,
            "owner_id": F("owner_before_deletion_id"),
            "owner_before_deletion_id": None,
        }

    # Properties

    def check_namespace(self) -> None:
        """Raise NamespaceMismatch when the row, or one it points at, comes from another namespace."""
        check_instance(self)
        keys: list[Any] = [field for field in self._meta.concrete_fields if field.is_relation]
        for key in keys:
            if key.is_cached(self):
                related = key.get_cached_value(self)
                if isinstance(related, SmartModel):
                    check_instance(related)
