"""What a deletion would take along and a restoration bring back, told by the code that does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, router, transaction

from smartmodels.softdelete.collecting import collect, refuse_protected
from smartmodels.softdelete.others import refuse_others
from smartmodels.softdelete.restoring import restore
from smartmodels.softdelete.services import Deletion, frozen

__all__ = ["preview_deletion", "preview_restoration"]


def preview_deletion(model: type[models.Model], keys: Iterable[Any], *, using: str | None = None) -> Deletion:
    """Return what ``soft_delete(model, keys)`` would mark as deleted, changing nothing.

    Raises ProtectedRows or NotPermitted when the deletion would be refused.
    """
    database = using or router.db_for_write(model)
    with transaction.atomic(using=database):
        found = collect(model, keys, database)
        refuse_others((found.going, found.staying), database)
        refuse_protected(found, database)
    return Deletion(frozen(found.going))


def preview_restoration(
    model: type[models.Model], keys: Iterable[Any], *, using: str | None = None
) -> Deletion:
    """Return what ``restore(model, keys)`` would bring back and leave, changing nothing.

    It is done and taken back, since only the database knows every value that is taken meanwhile: it costs
    what the restoration costs. Raises RestoreConflict when that would be refused.
    """
    database = using or router.db_for_write(model)
    with transaction.atomic(using=database):
        found = restore(model, keys, using=database)
        transaction.set_rollback(True, using=database)
    return found
