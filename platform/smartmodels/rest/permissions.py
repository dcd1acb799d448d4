"""Who may call what."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission

from smartmodels.ownership import may_change
from smartmodels.tenancy.models import Role

__all__ = ["ManagerPermission", "MembershipPermission", "OwnerPermission", "StaffPermission"]


class MembershipPermission(BasePermission):
    """Members only; a viewer reads, everyone else writes."""

    message = "Your role in this namespace does not allow this: ask its owner for one that writes."

    def has_permission(self, request: Any, view: Any) -> bool:
        membership = getattr(request._request, "membership", None)
        if membership is None:
            return False
        reads = request.method in SAFE_METHODS or getattr(view, "only_reads", False)
        return reads or Role(membership.role).writes


class ManagerPermission(BasePermission):
    """Owners and admins of the namespace."""

    message = "This is for the owner and the admins of the namespace: ask one of them."

    def has_permission(self, request: Any, view: Any) -> bool:
        membership = getattr(request._request, "membership", None)
        return membership is not None and Role(membership.role).manages


class OwnerPermission(BasePermission):
    """A row is changed by its owner and by the namespace's owners and admins; members read.

    A view opts out, and lets every member that writes change every row, by ``owner_writes_only = False``.
    """

    message = "This belongs to somebody else: its owner, or an admin of this namespace, can change it."

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        if request.method in SAFE_METHODS or not getattr(view, "owner_writes_only", True):
            return True
        return may_change(Role(request._request.membership.role), request.user.pk, obj)


class StaffPermission(BasePermission):
    """Staff on the public host."""

    message = "Only staff may do this."

    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated and request.user.is_staff)
