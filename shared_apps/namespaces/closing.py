"""Close an account: nobody can use it from then on, and what it owned stays, owned by the sentinel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from shared_apps.accounts.models import Session, User
from shared_apps.namespaces.models import Handover, Membership, Namespace
from smartmodels.context import namespace_scope, public_scope
from smartmodels.exceptions import SentinelProtected, SoleOwner
from smartmodels.ownership import hand_over, is_sentinel
from smartmodels.tenancy.models import Role, State

__all__ = ["Closing", "close_account", "continue_handovers", "plan_closing"]

Progress = Callable[[str, int], None]
"""Called with the slug of each namespace and the number of rows handed over there."""

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
        .select_for_update(of=("self",))
        .order_by("namespace__slug")
    )


def _refuse_sentinel(user: User) -> None:
    if is_sentinel(user.pk):
        raise SentinelProtected("The sentinel owns what others left behind: it cannot be deleted.")


def plan_closing(user: User) -> Closing:
    """Return what :func:`close_account` would meet, changing nothing: the dry run."""
    _refuse_sentinel(user)
    with public_scope(), transaction.atomic():
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
    finished by :func:`continue_handovers`. Authorship stays. Closing twice changes nothing.

    Raises SentinelProtected, or SoleOwner while an active namespace has no other owner and
    ``transfer_to`` names none; then nothing has changed.
    """
    _refuse_sentinel(user)
    with public_scope(), transaction.atomic():
        locked: Any = User.objects.select_for_update().get(pk=user.pk)
        ownerships = _sole_ownerships(locked)
        _transfer(ownerships, transfer_to)
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


def continue_handovers(user: User | None = None, *, progress: Progress = _silent) -> dict[str, int]:
    """Hand over what is still to be handed over, of one closed account or of all; return rows by slug."""
    done: dict[str, int] = {}
    with public_scope():
        waiting = Handover.objects.filter(finished_at__isnull=True, namespace__state__in=_WITH_SCHEMA)
        if user is not None:
            waiting = waiting.filter(user=user)
        keys = list(waiting.order_by("user_id", "namespace__slug").values_list("pk", flat=True))
    for key in keys:
        finished = _hand_over_one(key)
        if finished is not None:
            slug, rows = finished
            done[slug] = done.get(slug, 0) + rows
            progress(slug, rows)
    return done


def _hand_over_one(key: int) -> tuple[str, int] | None:
    """Finish one hand-over; None when another process has it in hand or finished it."""
    with public_scope(), transaction.atomic():
        waiting = Handover.objects.select_related("namespace").filter(pk=key, finished_at__isnull=True)
        handover: Any = waiting.select_for_update(of=("self",), skip_locked=True).first()
        if handover is None:
            return None
        with namespace_scope(handover.namespace):
            handover.rows = hand_over(handover.user_id)
        handover.finished_at = timezone.now()
        handover.save(update_fields=["rows", "finished_at"])
        return handover.namespace.slug, handover.rows
