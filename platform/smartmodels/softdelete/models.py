"""The abstract model of a row that is marked as deleted instead of removed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from safedelete.config import SOFT_DELETE_CASCADE
from safedelete.models import SafeDeleteModel

from smartmodels.context import Operation
from smartmodels.softdelete.managers import AliveManager, AllManager, DeletedManager
from smartmodels.softdelete.services import restore, soft_delete

__all__ = ["SoftDeleteModel"]


class SoftDeleteModel(SafeDeleteModel):
    """django-safedelete's model with set-based deletion and exact restoration (DESIGN H3).

    ``deleted_at`` is what the setting ``SAFE_DELETE_FIELD_NAME`` names; ``deleted_in`` is the operation
    that deleted the row, by which a restore finds what else went with it.
    """

    _safedelete_policy = SOFT_DELETE_CASCADE

    deleted_at = models.DateTimeField(null=True, editable=False)
    deleted_by_cascade = None  # the operation id says it more exactly
    deleted_in = models.UUIDField(null=True, editable=False)

    objects: ClassVar[Any] = AliveManager()
    all_objects: ClassVar[Any] = AllManager()
    deleted_objects: ClassVar[Any] = DeletedManager()

    class Meta:
        abstract = True
        base_manager_name = "all_objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row. A deleted row stays deleted: only :meth:`undelete` restores."""
        kwargs.pop("keep_deleted", None)
        models.Model.save(self, *args, **kwargs)

    def delete(  # type: ignore[override]
        self, using: str | None = None, keep_parents: bool = False, **_: Any
    ) -> Any:
        """Soft-delete the row and what cascades from it; deleting a deleted row changes nothing."""
        deletion = soft_delete(type(self), [self.pk], using=using or self._state.db)
        self.refresh_from_db(using=using, from_queryset=type(self).all_objects.using(using))
        return deletion.as_counts()

    def undelete(self, *_: Any, using: str | None = None, **__: Any) -> Any:
        """Restore the row with what its deletion took along."""
        restored = restore(type(self), [self.pk], using=using or self._state.db)
        self.refresh_from_db(using=using, from_queryset=type(self).all_objects.using(using))
        return restored.as_counts()

    def purge(self, using: str | None = None) -> tuple[int, dict[str, int]]:
        """Remove the row for good; its history stays."""
        return models.Model.delete(self, using=using)

    def validate_constraints(self, exclude: Any = None) -> None:
        """Check what must be unique among the living, also where a form does not show ``deleted_at``.

        Django skips a constraint whose condition names a field that a form leaves out; the value of this
        one is always known.
        """
        super().validate_constraints(exclude=set(exclude or ()) - {"deleted_at"})

    @classmethod
    def values_on_delete(cls, opened: Operation) -> dict[str, Any]:
        """Return what else a deletion in operation ``opened`` sets, as keywords of ``update()``."""
        return {}

    @classmethod
    def values_on_restore(cls, opened: Operation) -> dict[str, Any]:
        """Return what else a restoration sets: the inverse of :meth:`values_on_delete`."""
        return {}

    @property
    def is_deleted(self) -> bool:
        """Tell whether the row is soft-deleted."""
        return self.deleted_at is not None
