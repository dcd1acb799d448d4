"""An admin in which everybody sees what is theirs."""

from __future__ import annotations

from typing import Any

from django.http import Http404

from smartmodels.ownership import rows_of

__all__ = ["OwnRowsAdminMixin"]


class OwnRowsAdminMixin:
    """Shows members their own rows: those of others are not listed, found, compared, restored or reverted.

    Such as::

        class KeeperAdmin(OwnRowsAdminMixin, SmartModelAdmin):
            list_display = ("name",)

    What shows many models together (operations, what changed lately) is not narrowed.
    """

    def get_queryset(self: Any, request: Any) -> Any:
        """Return the member's own among the rows."""
        return rows_of(super().get_queryset(request), request.user.pk)  # type: ignore[misc]

    def get_all_rows(self: Any, request: Any) -> Any:
        """Return the rows whose history the member may see: living and deleted ones of their own."""
        return rows_of(super().get_all_rows(request), request.user.pk)  # type: ignore[misc]

    def has_view_history_or_change_history_permission(self: Any, request: Any, obj: Any = None) -> bool:
        """Tell whether the history may be seen; raise Http404 for a row that is somebody else's or purged."""
        if obj is None:
            raise Http404("There is no such row here.")
        return bool(super().has_view_history_or_change_history_permission(request, obj))  # type: ignore[misc]
