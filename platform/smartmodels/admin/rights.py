"""What a member may see and change through an admin site, model by model: the same rules as row by row."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

from django.contrib.admin.utils import flatten_fieldsets

from smartmodels.admin.permissions import role_of
from smartmodels.history import Conflict, RevertPlan, RowPlan, tracked_models

__all__ = ["Rights"]


class Rights:
    """The rights of a request: what is not on the site is neither shown nor changed (DESIGN H4)."""

    def __init__(self, request: Any, site: Any) -> None:
        self._request, self._registry = request, site._registry
        self._writable: dict[Any, frozenset[str]] = {}

    @cached_property
    def models(self) -> tuple[Any, ...]:
        """Return the models whose rows the member may look at, parents first."""
        return tuple(model for model in tracked_models() if self._shows(model))

    def _shows(self, model: Any) -> bool:
        admin = self._registry.get(model)
        return admin is not None and bool(admin.has_view_or_change_permission(self._request))

    @property
    def writes(self) -> bool:
        """Tell whether the member may change any row at all."""
        role = role_of(self._request)
        return role is not None and role.writes

    @property
    def manages(self) -> bool:
        """Tell whether the member may set marks and go back to them."""
        role = role_of(self._request)
        return role is not None and role.manages

    def may(self, model: Any, row: Any) -> bool:
        """Tell whether the member may change a row, also one that is deleted or purged."""
        admin = self._registry.get(model)
        if admin is None or not admin.has_change_permission(self._request, row):
            return False
        return bool(admin.has_change_history_permission(self._request, row))

    def writable(self, model: Any) -> frozenset[str]:
        """Return the fields of a model that the site's form lets people change."""
        if model not in self._writable:
            admin = self._registry.get(model)
            self._writable[model] = frozenset() if admin is None else self._of_form(admin)
        return self._writable[model]

    def _of_form(self, admin: Any) -> frozenset[str]:
        # A form may show less, or show it only for reading, once there is a row.
        row = admin.model.all_objects.first()
        asked = flatten_fieldsets(admin.get_fieldsets(self._request, row))
        return frozenset(map(str, asked)) - frozenset(map(str, admin.get_readonly_fields(self._request, row)))

    def narrowed(self, plan: RevertPlan) -> RevertPlan:
        """Return the plan with a conflict at each row that would be deleted but may not be."""
        cascades = tuple(map(self._narrowed, plan.facts.cascades))
        rows = tuple(map(self._narrowed, plan.rows))
        return replace(plan, rows=rows, facts=replace(plan.facts, cascades=cascades))

    def _narrowed(self, row: RowPlan) -> RowPlan:
        if row.step != "delete" or any(each.code == "no-permission" for each in row.conflicts):
            return row
        admin = self._registry.get(row.model)
        if admin is not None and admin.has_delete_permission(self._request, row.row):
            return row
        return _refused(row, f"You may not delete this {row.model._meta.verbose_name}.")

    @staticmethod
    def refused(plan: RevertPlan, why: str) -> RevertPlan:
        """Return the plan with a conflict at every row, which the member may not apply."""
        return replace(plan, rows=tuple(_refused(row, why) for row in plan.rows))


def _refused(row: RowPlan, why: str) -> RowPlan:
    conflict = Conflict(None, "no-permission", why)
    return replace(row, own=(*row.own, conflict), conflicts=(*row.conflicts, conflict))
