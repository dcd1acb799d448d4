"""Querysets that belong to one namespace, and querysets that read many."""

from smartmodels.querysets.across import across
from smartmodels.querysets.among import among
from smartmodels.querysets.changing import can_be_changed, change_rows
from smartmodels.querysets.copying import can_be_copied, copy_rows
from smartmodels.querysets.privacy import (
    HOLDERS,
    is_private,
    joined_sql,
    owned,
    owned_at,
    owned_versions,
    sees_everything,
    showing,
    without_service_owners,
)
from smartmodels.querysets.scoped import ScopedQuerySet
from smartmodels.querysets.stamps import check_instance, check_values, stamp_instance, stamp_of

__all__ = [
    "HOLDERS",
    "ScopedQuerySet",
    "across",
    "among",
    "can_be_changed",
    "can_be_copied",
    "change_rows",
    "check_instance",
    "check_values",
    "copy_rows",
    "is_private",
    "joined_sql",
    "owned",
    "owned_at",
    "owned_versions",
    "sees_everything",
    "showing",
    "stamp_instance",
    "stamp_of",
    "without_service_owners",
]
