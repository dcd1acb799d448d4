"""Who may do what with a row: the role says what a member may do at all, ownership with which rows."""

from __future__ import annotations

from typing import Any

from smartmodels.history.admin_base import SimpleHistoryAdmin
from smartmodels.ownership import may_change
from smartmodels.tenancy.models import Role

__all__ = ["RowPermissions", "may_change_row", "role_of"]


def role_of(request: Any) -> Role | None:
    """Return the role of the asking member in the bound namespace, or None."""
    membership = getattr(request, "membership", None)
    return None if membership is None else Role(membership.role)


def may_change_row(request: Any, row: Any) -> bool:
    """Tell whether the member may change, delete or restore ``row``."""
    return may_change(role_of(request), request.user.pk, row)


class RowPermissions(SimpleHistoryAdmin):
    """The permissions of Django's backends, narrowed to the rows that the member may touch."""

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Tell whether the user may change ``obj``, or any row at all."""
        allowed = bool(super().has_change_permission(request, obj))
        return allowed and (obj is None or may_change_row(request, obj))

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Tell whether the user may delete ``obj``, or any row at all."""
        allowed = bool(super().has_delete_permission(request, obj))
        return allowed and (obj is None or may_change_row(request, obj))
