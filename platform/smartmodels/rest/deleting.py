"""A deletion takes along, and a restoration brings back, only what the caller might one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.exceptions import PermissionDenied

from smartmodels.querysets import sees_everything
from smartmodels.softdelete import Deletion
from smartmodels.softdelete.preview import preview_deletion, preview_restoration
from smartmodels.tenancy.models import Role

__all__ = ["refuse_foreign_return", "refuse_foreign_rows"]


def refuse_foreign_rows(request: Any, *rows: Any) -> None:
    """Raise PermissionDenied, naming the kinds, if rows of others would be deleted along with ``rows``.

    Owners and admins of the namespace delete everybody's rows, except in private mode. ``rows``, of one
    model, which the caller has locked and may delete, are not judged again. Raises ProtectedRows when the
    deletion would be refused anyway.
    """
    if _may_all(request):
        return
    keys = [row.pk for row in rows]
    kinds = _foreign_kinds(request, rows, preview_deletion(type(rows[0]), keys), "owner_id")
    if kinds:
        raise PermissionDenied(
            f"This would delete {', '.join(kinds)} of other people, too: "
            "ask them, or an admin of this namespace, to delete them first."
        )


def refuse_foreign_return(request: Any, *rows: Any) -> None:
    """Raise PermissionDenied, naming the kinds, if rows of others would be restored along with ``rows``.

    The rule is that of :func:`refuse_foreign_rows`. Raises RestoreConflict when the restoration would be
    refused anyway.
    """
    if _may_all(request):
        return
    foreseen = preview_restoration(type(rows[0]), [row.pk for row in rows])
    kinds = _foreign_kinds(request, rows, foreseen, "owner_before_deletion_id")
    if kinds:
        raise PermissionDenied(
            f"This would restore {', '.join(kinds)} of other people, too: "
            "ask an admin of this namespace to restore it."
        )


def _may_all(request: Any) -> bool:
    return Role(request._request.membership.role).manages and sees_everything()


def _foreign_kinds(request: Any, rows: Sequence[Any], foreseen: Deletion, owner: str) -> list[str]:
    """Return the kinds of rows, beside ``rows``, whose ``owner`` is not the caller."""
    kinds = []
    for model, keys in foreseen.rows.items():
        others = keys - {row.pk for row in rows} if model is type(rows[0]) else keys
        foreign = model.all_objects.filter(pk__in=others).exclude(**{owner: request.user.pk})
        if others and foreign.exists():
            kinds.append(str(model._meta.verbose_name_plural))
    return sorted(kinds)
