"""Who may change a row: what every door asks, be it a page, the admin or the REST API."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q

from smartmodels.querysets import sees_everything
from smartmodels.tenancy.models import Role

__all__ = ["foreign_kinds", "may_change", "may_change_all", "rows_of"]


def may_change(role: Role | None, user_id: uuid.UUID | None, row: Any) -> bool:
    """Tell whether a member with ``role`` may change, delete or restore ``row``.

    Owners and admins of the namespace may change every row, members their own, viewers none. A deleted
    row, which the sentinel holds, counts as the one's who owned it before.
    """
    if role is None or not role.writes:
        return False
    if role.manages:
        return True
    return bool(user_id == (row.owner_id if row.deleted_at is None else row.owner_before_deletion_id))


def may_change_all(role: Role | None) -> bool:
    """Tell whether ``role`` reaches everybody's rows: never in private mode, which hides those of others."""
    return role is not None and role.manages and sees_everything()


def rows_of(rows: Any, user_id: uuid.UUID) -> Any:
    """Return those of ``rows``, living or deleted, that are the user's own."""
    return rows.filter(_own(user_id))


def _own(user_id: uuid.UUID) -> Q:
    living, deleted = Q(deleted_at__isnull=True), Q(deleted_at__isnull=False)
    return living & Q(owner_id=user_id) | deleted & Q(owner_before_deletion_id=user_id)


def foreign_kinds(
    rows: Mapping[Any, Iterable[Any]], user_id: uuid.UUID, *, besides: Sequence[Any] = ()
) -> list[str]:
    """Return the kinds of ``rows`` (keys by model), of which some are others', ``besides`` these rows.

    Living rows are their owner's, deleted ones those of who owned them before.
    """
    kinds = []
    for model, keys in rows.items():
        others = set(keys) - {row.pk for row in besides if type(row) is model}
        if others and model.all_objects.filter(pk__in=others).exclude(_own(user_id)).exists():
            kinds.append(str(model._meta.verbose_name_plural))
    return sorted(kinds)
