"""The admin of a smart model: lists, forms, deletion, history and revert."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.timezone import localtime

from smartmodels.admin.deletion import TruthfulDeletion
from smartmodels.admin.forms import LivingRowSelect
from smartmodels.admin.history_pages import HistoryPages
from smartmodels.admin.listing import DerivedLists
from smartmodels.admin.quiet import HistoryIsTheLog
from smartmodels.models import Resource
from smartmodels.querysets import is_private
from smartmodels.sharing import GrantStatus, living_grants
from smartmodels.showing import derive
from smartmodels.showing.forms import SmartForm
from smartmodels.showing.values import person
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["SmartModelAdmin"]

_PANEL = ("owner_name", "created", "updated")


class SmartModelAdmin(HistoryIsTheLog, HistoryPages, TruthfulDeletion, DerivedLists):
    """The admin every smart model gets; subclass it to customise one.

    People edit what the model declares. Owner, author and times follow from the open operation: they
    are shown, and whatever is posted for them is ignored.
    """

    form = SmartForm
    autocomplete_fields: Any = ()
    raw_id_fields: Any = ()

    def __init__(self, model: Any, admin_site: Any) -> None:
        keys = [field for field in derive.foreign_keys(model) if field.name not in self.raw_id_fields]
        searchable = [field.name for field in keys if derive.search_fields(field.remote_field.model)]
        self.autocomplete_fields = self.autocomplete_fields or tuple(searchable)
        self.raw_id_fields = (
            *self.raw_id_fields,
            *(field.name for field in keys if field.name not in self.autocomplete_fields),
        )
        super().__init__(model, admin_site)

    # Forms

    def get_fields(self, request: Any, obj: Any = None) -> Any:
        """Return what the form asks for."""
        return [name for name in super().get_fields(request, obj) if name not in (*_PANEL, "seen_by")]

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """Return what is only shown: of an existing row also whose it is and who changed it."""
        given = tuple(super().get_readonly_fields(request, obj))
        return (*given, *self._panel()) if obj is not None else given

    def _is_shared(self) -> bool:
        return issubclass(self.model, Resource) and self.model.smart.shareable and not is_private()

    def _panel(self) -> tuple[str, ...]:
        return (*_PANEL, "seen_by") if self._is_shared() else _PANEL

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """Return the form's parts; an existing row's last part says whose it is and who changed it."""
        fieldsets = list(super().get_fieldsets(request, obj))
        if obj is not None:
            fieldsets.append(("About this row", {"fields": self._panel()}))
        return fieldsets

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Offer living rows of this namespace only, and of types those that live in namespaces."""
        if db_field.name in self.autocomplete_fields:
            kwargs.setdefault("widget", LivingRowSelect(db_field, self.admin_site))
        if db_field.remote_field.model is ContentType:
            types = ContentType.objects.filter(app_label__in=tenant_labels())
            kwargs.setdefault("queryset", types.exclude(model__startswith="historical"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def changeform_view(
        self, request: Any, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show or save the form; a value that somebody took in the same moment is a message."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            taken = (
                "Not saved: another row has taken a value that must be unique, or what it belongs to is gone."
            )
            self.message_user(request, taken, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Save the row; a form in which nothing was changed writes nothing."""
        if not change or form.has_changed():
            super().save_model(request, obj, form, change)

    def _get_obj_does_not_exist_redirect(self, request: Any, opts: Any, object_id: str) -> Any:
        """Lead from a deleted row's address to its history, where it can be restored."""
        try:
            rows = self.get_all_rows(request).filter(deleted_at__isnull=False)
            row = rows.filter(pk=unquote(object_id)).first()
        except ValidationError:
            row = None
        if row is None:
            return super()._get_obj_does_not_exist_redirect(request, opts, object_id)
        self.message_user(request, f"{row} is deleted; it can be restored here.", messages.WARNING)
        address = f"admin:{opts.app_label}_{opts.model_name}_history"
        return HttpResponseRedirect(reverse(address, args=[quote(row.pk)], current_app=self.admin_site.name))

    # About this row

    @admin.display(description="created")
    def created(self, row: Any) -> str:
        """Say when the row was made and by whom."""
        return f"{localize(localtime(row.created_at))} by {person(row, 'created_by')}"

    @admin.display(description="last changed")
    def updated(self, row: Any) -> str:
        """Say when the row was changed last and by whom."""
        return f"{localize(localtime(row.updated_at))} by {person(row, 'updated_by')}"

    @admin.display(description="who can see it")
    def seen_by(self, row: Any) -> str:
        """Say with whom the row is shared, with the way to share it."""
        shown = living_grants(type(row), row.pk).filter(status=GrantStatus.ACTIVE)[:10]
        names = ", ".join(f"{grant.target.slug} ({grant.role})" for grant in shown)
        address = reverse("admin:sharing_row", args=[row._meta.label_lower, row.pk])
        said = f"This namespace and {names}" if names else "This namespace alone"
        return format_html('{}. <a href="{}">More</a>', said, address)
