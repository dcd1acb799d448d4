"""Querysets that belong to one namespace, and querysets that read many."""

from smartmodels.querysets.scoped import (
    ScopedQuerySet,
    check_instance,
    check_values,
    stamp_instance,
    stamp_of,
)

__all__ = ["ScopedQuerySet", "check_instance", "check_values", "stamp_instance", "stamp_of"]
