"""Soft deletion: rows are marked, not removed. The only room that knows django-safedelete."""

from smartmodels.softdelete.managers import AliveManager, AllManager, DeletedManager, SmartQuerySet
from smartmodels.softdelete.models import SoftDeleteModel
from smartmodels.softdelete.parents import CreateParentsFunction, LivingParents, watch_parents
from smartmodels.softdelete.purging import Purge, expired, purge, purge_expired
from smartmodels.softdelete.restoring import restore
from smartmodels.softdelete.services import Deletion, soft_delete

__all__ = [
    "AliveManager",
    "AllManager",
    "CreateParentsFunction",
    "DeletedManager",
    "Deletion",
    "LivingParents",
    "Purge",
    "SmartQuerySet",
    "SoftDeleteModel",
    "expired",
    "purge",
    "purge_expired",
    "restore",
    "soft_delete",
    "watch_parents",
]
