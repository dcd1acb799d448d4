"""Querysets that belong to one namespace, and querysets that read many."""

from smartmodels.querysets.across import across
from smartmodels.querysets.scoped import ScopedQuerySet
from smartmodels.querysets.stamps import check_instance, check_values, stamp_instance, stamp_of

__all__ = ["ScopedQuerySet", "across", "check_instance", "check_values", "stamp_instance", "stamp_of"]
