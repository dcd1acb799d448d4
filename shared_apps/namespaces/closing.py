"""Close an account: nobody can use it from then on, and what it owned stays, owned by the sentinel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from shared_apps.accounts.models import Session, User
from shared_apps.namespaces.models import Handover, Membership, Namespace
from smartmodels.context import namespace_scope, public_scope
from smartmodels.exceptions import InvalidInput, SentinelProtected, SoleOwner
from smartmodels.ownership import hand_over, is_sentinel
from smartmodels.tenancy.models import Role, State

__all__ = ["Closing", "close_account", "continue_handovers", "plan_closing"]

Progress = Callable[[str, int], None]
"""Called with the slug of each namespace and the number of rows handed over there."""

_LOOK_AGAIN_FOR = timedelta(hours=1)
"""How long after closing an account the worker looks for rows of writers that were in flight."""
_LOOK_AGAIN_AFTER = timedelta(minutes=5)
"""How long the worker waits between two such looks at one namespace."""

_WITH_SCHEMA = (State.ACTIVE, State.SUSPENDED, State.ARCHIVED)


def _silent(_: str, __: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing an account does, or did: rows handed over by namespace."""

    email: str
    sole_owner_of: tuple[str, ...]
    rows: dict[str, int]


def _sole_ownerships(user: User) -> list[Membership]:
    """Return the user's ownerships of active namespaces that have no other owner."""
    owned = Membership.objects.filter(user=user, role=Role.OWNER, namespace__state=State.ACTIVE)
    others = Membership.objects.filter(role=Role.OWNER, user__is_active=True).exclude(user=user)
    return list(
        owned.exclude(namespace_id__in=others.values("namespace_id"))
        .select_related("namespace")
        .order_by("namespace__slug")
    )


def _lock_owners(user: User) -> None:
    """Lock all owners of the user's namespaces: of two that close at once, one sees the other go."""
    owned = Membership.objects.filter(user=user, role=Role.OWNER).values("namespace_id")
    owners = Membership.objects.filter(namespace_id__in=owned, role=Role.OWNER)
    list(owners.select_for_update(of=("self",)).order_by("pk"))


def _lock_users(user: User, heir: User | None) -> tuple[Any, Any]:
    """Lock the accounts, in one order for everybody; return them as they are stored now."""
    wanted = [user.pk] if heir is None else [user.pk, heir.pk]
    locked = User.objects.select_for_update().order_by("pk").in_bulk(wanted)
    if user.pk not in locked:
        raise User.DoesNotExist(f"There is no account {user.pk}.")
    return locked[user.pk], None if heir is None else locked.get(heir.pk)


def _check_heir(user: User, named: User, stored: User | None) -> None:
    """Raise InvalidInput unless the heir is another account, a person's, and open."""
    reason = ""
    if named.pk == user.pk:
        reason = "it is the account that is being closed"
    elif is_sentinel(named.pk):
        reason = "it is the sentinel, which cannot be a member"
    elif stored is None or not stored.is_active:
        reason = "that account is closed"
    if reason:
        raise InvalidInput(f"{named.email} cannot take over: {reason}. Name another, active account.")


def _refuse_sentinel(user: User) -> None:
    if is_sentinel(user.pk):
        raise SentinelProtected("The sentinel owns what others left behind: it cannot be deleted.")


def plan_closing(user: User) -> Closing:
    """Return what :func:`close_account` would meet, changing nothing: the dry run."""
    _refuse_sentinel(user)
    with public_scope():
        slugs = tuple(membership.namespace.slug for membership in _sole_ownerships(user))
    return Closing(user.email, slugs, {})


def _transfer(ownerships: list[Membership], heir: User | None) -> None:
    if ownerships and heir is None:
        slugs = [ownership.namespace.slug for ownership in ownerships]
        raise SoleOwner(
            f"The account is the only owner of {', '.join(slugs)}: name who takes over (--transfer-to).",
            namespaces=slugs,
        )
    for ownership in ownerships:
        Membership.objects.update_or_create(
            namespace=ownership.namespace, user=heir, defaults={"role": Role.OWNER}
        )


def close_account(user: User, *, transfer_to: User | None = None, progress: Progress = _silent) -> Closing:
    """Delete a user as people understand it.

    One transaction closes the account: sessions, tokens and memberships are gone, log-in is refused.
    Then, namespace by namespace, what the user owned goes to the sentinel; a run that is cut off is
    finished by :func:`continue_handovers`. Authorship stays. Closing again hands over what a writer that
    was in flight has added since, and otherwise changes nothing.

    Raises SentinelProtected; SoleOwner while an active namespace has no other owner and ``transfer_to``
    names none; InvalidInput when ``transfer_to`` is closed, the sentinel or ``user``. Then nothing has
    changed.
    """
    _refuse_sentinel(user)
    with public_scope(), transaction.atomic():
        locked, heir = _lock_users(user, transfer_to)
        if transfer_to is not None:
            _check_heir(locked, transfer_to, heir)
        _lock_owners(locked)
        ownerships = _sole_ownerships(locked)
        _transfer(ownerships, heir)
        if locked.is_active:
            locked.is_active, locked.closed_at = False, timezone.now()
            locked.save(update_fields=["is_active", "closed_at"])
        Session.objects.filter(user_id=locked.pk).delete()
        locked.tokens.all().delete()
        Membership.objects.filter(user=locked).delete()
        Handover.objects.bulk_create(
            [Handover(user=locked, namespace=n) for n in Namespace.objects.filter(state__in=_WITH_SCHEMA)],
            ignore_conflicts=True,
        )
    rows = continue_handovers(user, progress=progress)
    return Closing(user.email, tuple(o.namespace.slug for o in ownerships), rows)


def _to_do(user: User | None) -> Q:
    """Return which hand-overs to run: unfinished ones, and those that a late writer may have added to.

    A transaction that was open when its user's account was closed can commit rows after the hand-over.
    """
    late = Q(user__is_active=False, user__closed_at__isnull=False)
    if user is not None:
        return Q(user=user) & (Q(finished_at__isnull=True) | late)
    late &= Q(finished_at__lt=F("user__closed_at") + _LOOK_AGAIN_FOR)
    late &= Q(finished_at__lt=timezone.now() - _LOOK_AGAIN_AFTER)
    return Q(finished_at__isnull=True) | late


def continue_handovers(user: User | None = None, *, progress: Progress = _silent) -> dict[str, int]:
    """Hand over what is still to be handed over, of one closed account or of all; return rows by slug.

    Finished hand-overs are looked at again: those of ``user`` always; without one, every five minutes
    until the account has been closed for an hour.
    """
    done: dict[str, int] = {}
    with public_scope():
        waiting = Handover.objects.filter(_to_do(user), namespace__state__in=_WITH_SCHEMA)
        keys = list(waiting.order_by("user_id", "namespace__slug").values_list("pk", flat=True))
    for key in keys:
        finished = _hand_over_one(key)
        if finished is not None:
            slug, rows = finished
            done[slug] = done.get(slug, 0) + rows
            progress(slug, rows)
    return done


def _hand_over_one(key: int) -> tuple[str, int] | None:
    """Finish one hand-over; None when another process has it in hand, or nothing was left to do."""
    with public_scope(), transaction.atomic():
        waiting = Handover.objects.select_related("namespace").filter(pk=key)
        handover: Any = waiting.select_for_update(of=("self",), skip_locked=True).first()
        if handover is None:
            return None
        with namespace_scope(handover.namespace):
            rows = hand_over(handover.user_id)
        first = handover.finished_at is None
        handover.rows = (handover.rows or 0) + rows
        handover.finished_at = timezone.now()
        handover.save(update_fields=["rows", "finished_at"])
        return (handover.namespace.slug, rows) if first or rows else None
