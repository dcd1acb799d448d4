"""Restore a closed account within the grace period, with what the sentinel still holds for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shared_apps.accounts.models import User
from shared_apps.namespaces.closing.changes import (
    WITH_SCHEMA,
    AccountChange,
    let_nobody_in,
    lock_accounts,
    order_work,
)
from shared_apps.namespaces.closing.work import (
    Progress,
    continue_handovers,
    silent,
    unfinished,
    what_is_left,
)
from shared_apps.namespaces.models import Handover, Membership, Namespace, Work
from smartmodels.conf import settings
from smartmodels.context import namespace_scope, operation, public_scope
from smartmodels.exceptions import AccountAnonymised, AccountOpen, GraceOver
from smartmodels.ownership import count_owned, refuse_sentinel
from smartmodels.tenancy.models import State

__all__ = ["plan_restoring", "restorable_until", "restore_account"]


def restorable_until(user: User) -> datetime | None:
    """Return when the grace period of a closed account ends; None while it is open, or once anonymised."""
    if user.closed_at is None or user.anonymised_at is not None:
        return None
    return user.closed_at + timedelta(days=settings().GRACE_DAYS)


def _check(user: User) -> None:
    """Raise what speaks against restoring the account."""
    refuse_sentinel(user.pk, "be restored")
    handovers = Handover.objects.filter(user=user)
    if user.anonymised_at is not None or handovers.filter(work=Work.ANONYMISE).exists():
        raise AccountAnonymised("The account is anonymised, or about to be: nothing brings it back.")
    until = restorable_until(user)
    if until is None:
        raise AccountOpen(f"{user.email} is not closed, so there is nothing to restore.")
    if timezone.now() > until:
        raise GraceOver(
            f"{user.email} could be restored until {until:%Y-%m-%d %H:%M} UTC (SMARTMODELS_GRACE_DAYS)."
        )


def _is_going_on(user: User) -> bool:
    """Tell whether the account is open again, and rows are still to be returned to it."""
    return user.closed_at is None and unfinished(user).filter(work=Work.TAKE_BACK).exists()


def plan_restoring(user: User) -> AccountChange:
    """Return what :func:`restore_account` would bring back, changing nothing: the dry run."""
    rows = {}
    with public_scope():
        if not _is_going_on(user):
            _check(user)
        ended = tuple(_ended(user).values_list("namespace__slug", flat=True))
        namespaces = list(Namespace.objects.filter(state__in=WITH_SCHEMA))
    for namespace in namespaces:
        with namespace_scope(namespace):
            # What the hand-over has not come to yet is still the user's.
            rows[namespace.slug] = count_owned(user.pk, held=True)
    return AccountChange(
        user.email, memberships=ended, rows={slug: count for slug, count in rows.items() if count}
    )


def _ended(user: User) -> Any:
    """Return the hand-overs that remember a membership which the closing ended."""
    remembered = Handover.objects.filter(user=user).exclude(role="")
    return remembered.exclude(namespace__state=State.DELETING).order_by("namespace__slug")


def _bring_back_memberships(user: User) -> None:
    ended = [
        Membership(namespace_id=each.namespace_id, user=user, role=each.role, joined_at=each.joined_at)
        for each in _ended(user)
    ]
    Membership.objects.bulk_create(ended, ignore_conflicts=True)


def restore_account(
    user: User, *, progress: Progress = silent, seconds: float | None = None
) -> AccountChange:
    """Undo :func:`close_account`: the account is open again, with its memberships and its rows.

    Those are exactly the rows that the sentinel still holds for it: what was given to somebody else
    meanwhile stays there, and so does what an heir became. The password is the old one; sessions and
    tokens do not come back. Returning the rows is resumable like the hand-over; restoring again goes on.

    Raises AccountOpen for an account that is not closed, GraceOver after ``SMARTMODELS_GRACE_DAYS``,
    AccountAnonymised, SentinelProtected and AccountBusy. Then nothing has changed.
    """
    memberships: tuple[str, ...] = ()
    with public_scope(), operation() as opened, transaction.atomic():
        locked = lock_accounts(user)[user.pk]
        if not _is_going_on(locked):
            _check(locked)
            locked.is_active, locked.closed_at = True, None
            locked.save(update_fields=["is_active", "closed_at"])
            let_nobody_in(locked)
            _bring_back_memberships(locked)
            memberships = tuple(_ended(locked).values_list("namespace__slug", flat=True))
            order_work(locked, Work.TAKE_BACK, opened)
    rows = continue_handovers(user, progress=progress, seconds=seconds)
    left, operation_id = what_is_left(user)
    return AccountChange(locked.email, (), memberships, rows, left, operation_id)
