"""Lists: columns, search and filters derived from the model; the living rows, or the deleted ones."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.urls import reverse
from django.utils.html import format_html

from smartmodels.admin.permissions import RowPermissions
from smartmodels.admin.restoring import restore_selected
from smartmodels.querysets import without_service_owners
from smartmodels.showing import derive
from smartmodels.showing.values import person

__all__ = ["DerivedLists"]

DELETED_VAR = "deleted"
"""``?deleted=yes`` lists what is deleted and can be restored."""

_COLUMNS_OF_DELETED = 3
"""How many columns of its own a deleted row keeps, beside when, by whom and in which operation."""

_LOOKUPS = frozenset({"", "exact", "in", "isnull", "gt", "gte", "lt", "lte"})


class RowList(ChangeList):
    """A list whose deleted rows lead to their history, since they cannot be edited."""

    def url_for_result(self, result: Any) -> str:
        """Return where a row of the list leads to."""
        if result.deleted_at is None:
            return str(super().url_for_result(result))
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_history"
        return reverse(name, args=[quote(result.pk)], current_app=self.model_admin.admin_site.name)


class DeletedFilter(admin.SimpleListFilter):
    """Living or deleted rows; the queryset is chosen by :meth:`DerivedLists.get_queryset`."""

    title = "state"
    parameter_name = DELETED_VAR

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choice besides the living rows."""
        return [("yes", "Deleted")]

    def choices(self, changelist: Any) -> Any:
        """Name the living rows as such, not as all."""
        for choice in super().choices(changelist):
            yield {**choice, "display": "Living"} if choice["display"] != "Deleted" else choice

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Leave it as it is."""
        return queryset


class DerivedLists(RowPermissions):
    """What the subclass leaves empty is derived from the model."""

    list_display: Any = ()
    list_filter: Any = ()
    list_select_related: Any = ()
    search_fields: Any = ()
    ordering: Any = ()
    list_per_page = 50
    show_full_result_count = False
    change_list_template = "smartmodels/admin/change_list.html"
    actions = (restore_selected,)

    def __init__(self, model: Any, admin_site: Any) -> None:
        self.list_display = self.list_display or (*derive.columns(model), "owner_name", "updated_at")
        self.list_filter = (*(self.list_filter or derive.filters(model)), DeletedFilter)
        self.list_select_related = self.list_select_related or tuple(
            field.name for field in derive.foreign_keys(model)
        )
        self.search_fields = self.search_fields or derive.search_fields(model)
        self.ordering = self.ordering or ("-pk",)
        super().__init__(model, admin_site)

    # Which rows

    @staticmethod
    def shows_deleted(request: Any) -> bool:
        """Tell whether the request is for the list of deleted rows."""
        return getattr(request, "shows_deleted", False)

    def get_queryset(self, request: Any) -> Any:
        """Return the living rows, or on the list of deleted rows those."""
        manager = self.model.deleted_objects if self.shows_deleted(request) else self.model.objects
        is_list = hasattr(request, "shows_deleted")
        rows = without_service_owners(manager.all()) if is_list else manager.all()
        return rows.order_by(*self.get_ordering(request))

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """Show the list."""
        deleted = request.GET.get(DELETED_VAR) == "yes" and IS_POPUP_VAR not in request.GET
        request.shows_deleted = deleted
        plural = self.opts.verbose_name_plural
        context: dict[str, Any] = {"shows_deleted": deleted}
        if deleted:
            context["title"] = f"Deleted {plural}"
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_changelist(self, request: Any, **kwargs: Any) -> type[ChangeList]:
        """Return the class that makes the list."""
        return RowList

    def get_changelist_instance(self, request: Any) -> Any:
        """Make the list, with the people its columns name fetched at once."""
        changelist = super().get_changelist_instance(request)
        people = ("deleted_by",) if self.shows_deleted(request) else ("owner",)
        changelist.result_list = changelist.result_list.prefetch_related(*people)
        return changelist

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Allow in the address what the filters of the list offer, and nothing else."""
        name, _, kind = lookup.partition("__")
        return kind in _LOOKUPS and (name == DELETED_VAR or name in self.list_filter)

    # Columns and actions

    def get_list_display(self, request: Any) -> Any:
        """Return the columns; deleted rows show who deleted them and when."""
        if self.shows_deleted(request):
            kept = [name for name in self.list_display if name not in ("owner_name", "updated_at")]
            return [*kept[:_COLUMNS_OF_DELETED], "deleted_at", "deleted_by_name", "deleted_with"]
        return self.list_display

    def get_ordering(self, request: Any) -> Any:
        """Return the order before anybody chose one."""
        return ["-deleted_at", "-pk"] if self.shows_deleted(request) else super().get_ordering(request)

    @admin.display(description="owner")
    def owner_name(self, row: Any) -> str:
        """Name the owner."""
        return person(row, "owner")

    @admin.display(description="deleted by")
    def deleted_by_name(self, row: Any) -> str:
        """Name who deleted the row."""
        return person(row, "deleted_by")

    @admin.display(description="operation")
    def deleted_with(self, row: Any) -> str:
        """Lead to the operation that deleted the row, and to what else it did."""
        if row.deleted_in is None:
            return ""
        where = reverse("admin:operation", args=[row.deleted_in], current_app=self.admin_site.name)
        return format_html('<a href="{}">open</a>', where)

    def has_restore_permission(self, request: Any) -> bool:
        """Tell whether the listed rows may be restored: deleted ones, by those who may change rows."""
        return self.shows_deleted(request) and self.has_change_permission(request)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Tell whether ``obj``, or any listed row, may be deleted: deleted ones are deleted already."""
        return super().has_delete_permission(request, obj) and not self.shows_deleted(request)
