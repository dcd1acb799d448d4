"""Anonymise a closed account: what it made stays, and nobody can tell any more whose it was."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from shared_apps.accounts.models import User
from shared_apps.namespaces.closing.changes import AccountChange, let_nobody_in, lock_accounts, order_work
from shared_apps.namespaces.closing.scrubbing import scrub_public
from shared_apps.namespaces.closing.work import (
    Progress,
    continue_handovers,
    silent,
    unfinished,
    what_is_left,
)
from shared_apps.namespaces.models import Handover, Work
from smartmodels.conf import settings
from smartmodels.context import operation, public_scope
from smartmodels.exceptions import AccountOpen
from smartmodels.ownership import refuse_sentinel

__all__ = ["anonymise_account", "anonymise_due", "due", "plan_anonymising"]


def _check(user: User) -> None:
    refuse_sentinel(user.pk, "be anonymised")
    if user.closed_at is None:
        raise AccountOpen(f"{user.email} is open: close the account before it is anonymised.")


def _pseudonym(user: User) -> str:
    """Return a name that says nothing, and that no other account has."""
    digest = hashlib.sha256(user.pk.bytes + secrets.token_bytes(8)).hexdigest()
    names = [f"Deleted user {digest[start : start + 6]}" for start in range(len(digest) - 5)]
    taken = set(User.objects.filter(name__in=names).values_list("name", flat=True))
    return next(name for name in names if name not in taken)


def plan_anonymising(user: User) -> AccountChange:
    """Raise what :func:`anonymise_account` would raise, changing nothing: the dry run."""
    _check(user)
    with public_scope():
        slugs = Handover.objects.filter(user=user).order_by("namespace__slug")
        left = () if user.anonymised_at else tuple(slugs.values_list("namespace__slug", flat=True))
    return AccountChange(user.email, left=left)


def _begin(user: User) -> User:
    """Take the name away and write down what is to be done; from now on there is no way back."""
    with public_scope(), operation() as opened, transaction.atomic():
        locked = lock_accounts(user)[user.pk]
        _check(locked)
        has_begun = Handover.objects.filter(user=locked, work=Work.ANONYMISE).exists()
        if locked.anonymised_at is None and not has_begun:
            locked.name = _pseudonym(locked)
            locked.save(update_fields=["name"])
            order_work(locked, Work.ANONYMISE, opened)
    return locked


def _end(user: User) -> User:
    """Take the address and the rights away once no namespace mentions it any more."""
    with public_scope(), transaction.atomic():
        locked = lock_accounts(user)[user.pk]
        if locked.anonymised_at is None and not unfinished(locked).exists():
            scrub_public(locked)
            let_nobody_in(locked)
            locked.email = f"closed-{secrets.token_hex(12)}@invalid"
            locked.password = make_password(None)
            locked.is_staff = locked.is_superuser = False
            locked.last_login = None
            locked.anonymised_at = timezone.now()
            locked.save()
            locked.groups.clear()
            locked.user_permissions.clear()
            Handover.objects.filter(user=locked).update(role="", joined_at=None)
    return locked


def anonymise_account(
    user: User, *, progress: Progress = silent, seconds: float | None = None
) -> AccountChange:
    """Forget who a closed account was; there is no way back.

    Its name and address, what its rows say in the fields that their models declare as ``personal``, and
    its name in every version it made, in all namespaces. Authorship stays, under a pseudonym that is the
    account's alone. Resumable like the hand-over, which it finishes first; the address goes last.

    Raises AccountOpen for an account that is not closed, SentinelProtected and AccountBusy.
    """
    _begin(user)
    rows = continue_handovers(user, progress=progress, seconds=seconds)
    locked = _end(user)
    left, operation_id = what_is_left(user)
    return AccountChange(locked.name, (), (), rows, left, operation_id)


def due() -> list[User]:
    """Return the closed accounts whose grace period is over, and those whose anonymising was cut off."""
    over = Q(closed_at__lt=timezone.now() - timedelta(days=settings().GRACE_DAYS))
    begun = Q(handovers__work=Work.ANONYMISE)
    with public_scope():
        closed = User.objects.filter(over | begun, closed_at__isnull=False, anonymised_at__isnull=True)
        return list(closed.distinct().order_by("closed_at"))


def anonymise_due(*, progress: Progress = silent) -> list[AccountChange]:
    """Anonymise every account that is due; an account that cannot be now does not stop the others."""
    return [anonymise_account(user, progress=progress) for user in due()]
