"""Permissions for views of one's own, beside those every resource has. They go by role and by ownership."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission

from smartmodels.tenancy.models import Role

__all__ = ["IsAdminOrIsOwner", "IsAuthenticatedOrCreate", "IsOwner", "IsReadOnly"]


def _role_of(request: Any) -> Role | None:
    membership = getattr(request._request, "membership", None)
    return None if membership is None else Role(membership.role)


def _owns(request: Any, row: Any) -> bool:
    if not request.user.is_authenticated:
        return False
    # A deleted row is the sentinel's for as long as it is deleted.
    deleted = getattr(row, "is_deleted", False)
    return bool((row.owner_before_deletion_id if deleted else row.owner_id) == request.user.pk)


class IsOwner(BasePermission):
    """A row is for its owner alone, to read as well as to change; admins are others, too.

    ::

        class DiaryViewSet(ResourceViewSet):
            permission_classes = (MembershipPermission, IsOwner)

    Lists show what ``get_queryset()`` returns: let it return only the caller's rows.

    >>> IsOwner().has_object_permission(request_of("ana", "member"), None, row_of("ana"))
    True
    >>> IsOwner().has_object_permission(request_of("ben", "admin"), None, row_of("ana"))
    False
    """

    message = "This belongs to somebody else."

    def has_permission(self, request: Any, view: Any) -> bool:
        return _role_of(request) is not None

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return _owns(request, obj)


class IsAdminOrIsOwner(IsOwner):
    """A row is for its owner, and for the namespace's owners and admins.

    >>> IsAdminOrIsOwner().has_object_permission(request_of("ben", "admin"), None, row_of("ana"))
    True
    >>> IsAdminOrIsOwner().has_object_permission(request_of("ben", "member"), None, row_of("ana"))
    False
    """

    message = "This belongs to somebody else: its owner, or an admin of this namespace, may."

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        role = _role_of(request)
        return role is not None and (role.manages or _owns(request, obj))


class IsReadOnly(BasePermission):
    """Members read and nobody writes, whatever their role.

    >>> IsReadOnly().has_permission(request_of("ana", "owner"), None)
    True
    >>> IsReadOnly().has_permission(request_of("ana", "owner", method="POST"), None)
    False
    """

    message = "This is only read."

    def has_permission(self, request: Any, view: Any) -> bool:
        return request.method in SAFE_METHODS and _role_of(request) is not None


class IsAuthenticatedOrCreate(BasePermission):
    """Anybody creates, and members do the rest as their role allows: for forms that the public fills in.

    Creating is the action ``create`` of a viewset, one row posted to its list, and no other POST: neither
    an action such as ``restore`` nor many rows at once. A credential that is not valid here is no way in
    either. Nobody known acts as the anonymous actor, whose rows belong to the sentinel.

    >>> IsAuthenticatedOrCreate().has_permission(request_of(None, None, method="POST"), view_of("create"))
    True
    >>> IsAuthenticatedOrCreate().has_permission(request_of(None, None, method="POST"), view_of("restore"))
    False
    """

    message = "Your role in this namespace does not allow this."

    def has_permission(self, request: Any, view: Any) -> bool:
        role = _role_of(request)
        if role is not None:
            return request.method in SAFE_METHODS or role.writes
        if getattr(request._request, "authenticated_by", None) is not None or request.method != "POST":
            return False
        return getattr(view, "action", None) == "create" and isinstance(request.data, dict)
