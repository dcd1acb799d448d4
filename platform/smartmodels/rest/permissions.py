"""Who may call what."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission

from smartmodels.tenancy.models import Role

__all__ = ["MembershipPermission", "StaffPermission"]


class MembershipPermission(BasePermission):
    """Members only; a viewer reads, everyone else writes."""

    message = "Your role in this namespace does not allow this."

    def has_permission(self, request: Any, view: Any) -> bool:
        membership = getattr(request._request, "membership", None)
        if membership is None:
            return False
        return request.method in SAFE_METHODS or Role(membership.role).writes


class StaffPermission(BasePermission):
    """Staff on the public host."""

    message = "Only staff may do this."

    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated and request.user.is_staff)
