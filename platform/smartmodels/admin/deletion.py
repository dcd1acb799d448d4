"""Delete: the row is marked, with what belongs to it; the page before says exactly which rows."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.html import format_html

from smartmodels.admin.permissions import RowPermissions, role_of
from smartmodels.exceptions import ProtectedRows
from smartmodels.ownership import foreign_kinds, may_change_all
from smartmodels.softdelete.preview import preview_deletion

__all__ = ["TruthfulDeletion"]

_NAMED = 10
"""How many rows of one model the page names; the others are counted."""


class TruthfulDeletion(RowPermissions):
    """Soft deletion behind Django's pages, whose text comes from the code that deletes."""

    delete_confirmation_template = "smartmodels/admin/delete_confirmation.html"
    delete_selected_confirmation_template = "smartmodels/admin/delete_selected_confirmation.html"

    def get_deleted_objects(self, objs: Any, request: Any) -> Any:
        """Return (names, counts, what must not be deleted by this member, what protects the rows)."""
        keys = [row.pk for row in objs]
        try:
            found = preview_deletion(self.model, keys)
        except ProtectedRows as error:
            return [], {}, set(), [error.message]
        names: list[Any] = []
        for model, pks in found.rows.items():
            names += self._named(model, pks, request)
        counts = {str(model._meta.verbose_name_plural): len(pks) for model, pks in found.rows.items()}
        refused = {
            str(model._meta.verbose_name_plural)
            for model, pks in found.rows.items()
            if not self._may_delete(request, {model: pks})
        }
        return names, counts, refused, []

    def _named(self, model: Any, pks: Any, request: Any) -> list[Any]:
        rows = model.objects.filter(pk__in=pks).order_by("pk")[:_NAMED]
        name = str(model._meta.verbose_name)
        address = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        listed: list[Any] = [
            format_html('{}: <a href="{}">{}</a>', name[:1].upper() + name[1:],
                        reverse(address, args=[quote(row.pk)], current_app=self.admin_site.name), row)
            for row in rows
        ]  # fmt: skip
        if len(pks) > _NAMED:
            listed.append(f"and {len(pks) - _NAMED} more {model._meta.verbose_name_plural}")
        return listed

    @staticmethod
    def _may_delete(request: Any, rows: Any) -> bool:
        """Tell whether the member may delete all these rows: a member's own, an admin's any that they see."""
        role = role_of(request)
        if role is None or not role.writes:
            return False
        return may_change_all(role) or not foreign_kinds(rows, request.user.pk)
