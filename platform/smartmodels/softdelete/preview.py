"""What a deletion would take along, told by the code that deletes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, router, transaction

from smartmodels.softdelete.services import Deletion, _collect, _refuse_protected

__all__ = ["preview_deletion"]


def preview_deletion(model: type[models.Model], keys: Iterable[Any], *, using: str | None = None) -> Deletion:
    """Return what ``soft_delete(model, keys)`` would mark as deleted, changing nothing.

    Raises ProtectedRows when the deletion would be refused.
    """
    database = using or router.db_for_write(model)
    with transaction.atomic(using=database):
        found = _collect(model, keys, database)
        _refuse_protected(found, database)
    return Deletion({current: frozenset(pks) for current, pks in found.items()})
