"""History is the log: Django's own table of admin actions stays empty.

It stands in the public schema, where it would mix what happens in all namespaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import Http404

__all__ = ["HistoryIsTheLog", "StaffModelAdmin"]

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class HistoryIsTheLog:
    """For a ModelAdmin that writes no rows to ``django_admin_log``."""

    def log_addition(self, request: Any, obj: Any, message: Any) -> Any:
        """Leave it to history."""

    def log_change(self, request: Any, obj: Any, message: Any) -> Any:
        """Leave it to history."""

    def log_deletions(self, request: Any, queryset: Any) -> Any:
        """Leave it to history."""


class StaffModelAdmin(HistoryIsTheLog, _ModelAdmin):
    """The admin of a shared model on the public host, where rows have no history pages."""

    change_form_template = "smartmodels/admin/staff_change_form.html"

    def history_view(self, request: Any, object_id: str, extra_context: Any = None) -> Any:
        """Refuse: Django's page would show its own log, which is not kept."""
        raise Http404("Shared models have no history pages.")
