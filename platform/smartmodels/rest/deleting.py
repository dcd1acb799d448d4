"""A deletion takes along, and a restoration brings back, only what the caller might one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.exceptions import PermissionDenied

from smartmodels.ownership import foreign_kinds, may_change_all
from smartmodels.rest.access.scoping import require_within_scope, within_scope
from smartmodels.rest.served import path_of
from smartmodels.softdelete.preview import preview_deletion, preview_restoration
from smartmodels.tenancy.models import Role

__all__ = ["refuse_foreign_return", "refuse_foreign_rows"]


def refuse_foreign_rows(request: Any, *rows: Any, by_owner: bool = True) -> None:
    """Raise PermissionDenied, naming the kinds, if rows of others would be deleted along with ``rows``.

    Owners and admins of the namespace delete everybody's rows, except in private mode; so does everybody
    where ``by_owner`` says that owners do not matter. ``rows``, of one model, which the caller has locked and
    may delete, are not judged again. Raises ProtectedRows when the deletion would be refused anyway, and
    Refused for a program if rows of a list that is closed to it would be deleted.
    """
    may_all = not by_owner or _may_all(request)
    if may_all and within_scope(request, None, "write"):
        return
    foreseen = preview_deletion(type(rows[0]), [row.pk for row in rows]).rows
    _refuse_closed(request, foreseen, rows)
    if may_all:
        return
    kinds = foreign_kinds(foreseen, request.user.pk, besides=rows)
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
    may_all = _may_all(request)
    if may_all and within_scope(request, None, "write"):
        return
    foreseen = preview_restoration(type(rows[0]), [row.pk for row in rows]).rows
    _refuse_closed(request, foreseen, rows)
    if may_all:
        return
    kinds = foreign_kinds(foreseen, request.user.pk, besides=rows)
    if kinds:
        raise PermissionDenied(
            f"This would restore {', '.join(kinds)} of other people, too: "
            "ask an admin of this namespace to restore it."
        )


def _refuse_closed(request: Any, foreseen: Mapping[Any, Any], rows: Sequence[Any]) -> None:
    """Let a program take along rows of such lists alone as it may write to."""
    for model, keys in foreseen.items():
        path = path_of(model)
        if keys and path is not None and model is not type(rows[0]):
            require_within_scope(request, path, "write")


def _may_all(request: Any) -> bool:
    return may_change_all(Role(request._request.membership.role))
