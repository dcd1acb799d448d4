"""Runs of migrations, as staff reads them on the public host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from shared_apps.namespaces.models import MigrationOutcome, MigrationRun, SchemaState
from smartmodels.admin import StaffModelAdmin, staff_site

__all__ = ["MigrationRunAdmin", "SchemaStateAdmin"]


if TYPE_CHECKING:
    _Inline = admin.TabularInline[MigrationOutcome, MigrationRun]
else:
    _Inline = admin.TabularInline


class _ReadOnly:
    """Nothing here is made, changed or removed by hand."""

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: Any) -> bool:
        return bool(request.user.is_staff)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.user.is_staff)


class _Outcomes(_ReadOnly, _Inline):
    model = MigrationOutcome
    fields = ("slug", "migration", "way", "seconds", "error_code", "error")
    readonly_fields = fields
    extra = 0


@admin.register(MigrationRun, site=staff_site)
class MigrationRunAdmin(_ReadOnly, StaffModelAdmin):
    """Who migrated what when, and what came of it."""

    list_display = ("started_at", "actor_label", "migrated", "failed", "untried", "finished_at")
    inlines = (_Outcomes,)


@admin.register(SchemaState, site=staff_site)
class SchemaStateAdmin(_ReadOnly, StaffModelAdmin):
    """Which migrations each schema has."""

    list_display = ("schema_name", "fingerprint", "updated_at")
    search_fields = ("schema_name",)
