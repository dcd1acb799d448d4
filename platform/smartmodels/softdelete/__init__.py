"""Soft deletion: rows are marked, not removed. The only room that knows django-safedelete."""

from smartmodels.softdelete.managers import AliveManager, AllManager, DeletedManager, SmartQuerySet
from smartmodels.softdelete.models import SoftDeleteModel
from smartmodels.softdelete.services import Deletion, restore, soft_delete

__all__ = [
    "AliveManager",
    "AllManager",
    "DeletedManager",
    "Deletion",
    "SmartQuerySet",
    "SoftDeleteModel",
    "restore",
    "soft_delete",
]
