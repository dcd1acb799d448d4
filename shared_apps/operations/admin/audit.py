"""The audit as staff reads it on the public host."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from shared_apps.operations.models import AuditEntry
from smartmodels.admin import StaffModelAdmin, staff_site
from smartmodels.tenancy.audit import said_by

__all__ = ["AuditEntryAdmin"]


@admin.register(AuditEntry, site=staff_site)
class AuditEntryAdmin(StaffModelAdmin):
    """What was done to namespaces; read, and nothing else."""

    list_display = ("at", "slug", "action", "outcome", "who", "reason", "message")
    list_filter = ("outcome", "action")
    search_fields = ("slug", "action")
    show_full_result_count = False
    actions = None

    def get_changelist_instance(self, request: Any) -> Any:
        """Look up the accounts of a page at once."""
        page = super().get_changelist_instance(request)
        for entry, who in zip(page.result_list, said_by(page.result_list), strict=True):
            entry.who = who
        return page

    @admin.display(description="by")
    def who(self, entry: Any) -> str:
        """Name who acted, as the account is called now."""
        return str(getattr(entry, "who", None) or said_by([entry])[0])

    def has_module_permission(self, request: Any) -> bool:
        return bool(request.user.is_staff)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.user.is_staff)

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False
