"""The abstract model of a row that is marked as deleted instead of removed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ObjectDoesNotExist
from django.db import models, router
from safedelete.config import SOFT_DELETE_CASCADE
from safedelete.models import SafeDeleteModel

from smartmodels.context import Operation
from smartmodels.softdelete.managers import AliveManager, AllManager, DeletedManager
from smartmodels.softdelete.purging import refuse_purge_of_others
from smartmodels.softdelete.restoring import restore
from smartmodels.softdelete.services import soft_delete

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

    deletion_columns: ClassVar[frozenset[str]] = frozenset({"deleted_at", "deleted_in"})
    """What only a deletion and a restoration write."""

    class Meta:
        abstract = True
        base_manager_name = "all_objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row with Django's own arguments. Only :meth:`undelete` restores.

        An UPDATE never touches what a deletion has set, so that a copy of the row which was read before its
        deletion does not bring it back.
        """
        kwargs.pop("keep_deleted", None)
        self._keeps_deletion = True
        try:
            models.Model.save(self, *args, **kwargs)
        finally:
            del self._keeps_deletion

    save.alters_data = True  # type: ignore[attr-defined]

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *args: Any) -> Any:
        # Django's place where the columns of an UPDATE are known and those of an INSERT are not meant.
        # Fixtures (save_base(raw=True)) write all of them.
        if getattr(self, "_keeps_deletion", False):
            values = [each for each in values if each[0].attname not in self.deletion_columns]
        return super()._do_update(base_qs, using, pk_val, values, *args)

    def delete(  # type: ignore[override]
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        """Soft-delete the row and what cascades from it; deleting a deleted row changes nothing.

        ``keep_parents`` is Django's: a smart model is one table, so there are no parents to keep.
        """
        if self._state.adding:
            return 0, {}
        deletion = soft_delete(type(self), [self.pk], using=using or self._state.db)
        if deletion.rows:
            self._take_over(deletion.values[self._meta.concrete_model])
        else:
            self._read_again(using)
        return deletion.as_counts()

    delete.alters_data = True  # type: ignore[attr-defined]

    def undelete(self, using: str | None = None) -> tuple[int, dict[str, int]]:  # type: ignore[override]
        """Restore the row with what its deletion took along; a living row stays as it is."""
        restored = restore(type(self), [self.pk], using=using or self._state.db)
        self._read_again(using)
        return restored.as_counts()

    undelete.alters_data = True  # type: ignore[attr-defined]

    async def aundelete(self, using: str | None = None) -> tuple[int, dict[str, int]]:
        """Restore as :meth:`undelete`, from async code."""
        return await sync_to_async(self.undelete)(using=using)

    aundelete.alters_data = True  # type: ignore[attr-defined]

    def _take_over(self, values: Mapping[str, Any]) -> None:
        """Show what the deletion set; what the database computed is read when somebody asks for it."""
        for name, value in values.items():
            if hasattr(value, "resolve_expression"):
                self.__dict__.pop(name, None)
            else:
                setattr(self, name, value)

    def _read_again(self, using: str | None) -> None:
        # A row that was purged meanwhile has nothing to read.
        with suppress(ObjectDoesNotExist):
            self.refresh_from_db(using=using, from_queryset=type(self).all_objects.using(using))

    def purge(self, using: str | None = None) -> tuple[int, dict[str, int]]:
        """Remove the row for good; its history stays."""
        database = using or router.db_for_write(type(self), instance=self)
        refuse_purge_of_others([self], database)
        return models.Model.delete(self, using=using)

    purge.alters_data = True  # type: ignore[attr-defined]

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
