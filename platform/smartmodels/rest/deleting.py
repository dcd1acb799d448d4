"""A deletion takes along only what the caller might delete one by one."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import PermissionDenied

from smartmodels.querysets import sees_everything
from smartmodels.softdelete.preview import preview_deletion
from smartmodels.tenancy.models import Role

__all__ = ["refuse_foreign_rows"]


def refuse_foreign_rows(request: Any, row: Any) -> None:
    """Raise PermissionDenied, naming the kinds, if rows of others would be deleted along with ``row``.

    Owners and admins of the namespace delete everybody's rows, except in private mode. ``row``, which the
    caller has locked and may delete, is not judged again. Raises ProtectedRows when the deletion
    would be refused anyway.
    """
    if Role(request._request.membership.role).manages and sees_everything():
        return
    kinds = []
    for model, keys in preview_deletion(type(row), [row.pk]).rows.items():
        others = keys - {row.pk} if model is type(row) else keys
        if others and model.all_objects.filter(pk__in=others).exclude(owner_id=request.user.pk).exists():
            kinds.append(str(model._meta.verbose_name_plural))
    if kinds:
        raise PermissionDenied(
            f"This would delete {', '.join(sorted(kinds))} of other people, too: "
            "ask them, or an admin of this namespace, to delete them first."
        )
