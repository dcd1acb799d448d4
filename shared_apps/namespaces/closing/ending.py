"""Close an account: nobody can use it from then on, and what it owned stays, owned by the sentinel."""

from __future__ import annotations

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
from shared_apps.namespaces.closing.work import Progress, continue_handovers, silent, what_is_left
from shared_apps.namespaces.models import Membership, Namespace, Work
from smartmodels.context import namespace_scope, operation, public_scope
from smartmodels.exceptions import InvalidInput, SoleOwner
from smartmodels.ownership import count_owned, is_sentinel, refuse_sentinel
from smartmodels.tenancy.life.owners import lock_owners, sole_ownerships
from smartmodels.tenancy.models import Role

__all__ = ["close_account", "plan_closing"]


def _check_heir(user: User, named: User, stored: User | None) -> None:
    """Raise InvalidInput unless the heir is another account, a person's, and open."""
    reason = ""
    if named.pk == user.pk:
        reason = "it is the account that is being closed"
    elif is_sentinel(named.pk):
        reason = "it is the sentinel, which cannot be a member"
    elif stored is None or not stored.is_person:
        reason = "that account is closed"
    if reason:
        raise InvalidInput(
            f"{named.email} cannot take over: {reason}. Name another, active account.", field="transfer_to"
        )


def _refuse_sole_owner(ownerships: list[Membership]) -> None:
    slugs = [ownership.namespace.slug for ownership in ownerships]
    raise SoleOwner(
        f"The account is the only owner of {', '.join(slugs)}: name who takes over (--transfer-to).",
        namespaces=slugs,
    )


def plan_closing(user: User, *, transfer_to: User | None = None) -> AccountChange:
    """Return what :func:`close_account` would meet and move, changing nothing: the dry run.

    Raises SentinelProtected, and InvalidInput for an heir that cannot take over.
    """
    refuse_sentinel(user.pk, "be closed")
    if transfer_to is not None:
        _check_heir(user, transfer_to, transfer_to)
    rows = {}
    with public_scope():
        sole = tuple(each.namespace.slug for each in sole_ownerships(user))
        ended = tuple(user.memberships.order_by("namespace__slug").values_list("namespace__slug", flat=True))
        namespaces = list(Namespace.objects.filter(state__in=WITH_SCHEMA))
    for namespace in namespaces:
        with namespace_scope(namespace):
            rows[namespace.slug] = count_owned(user.pk)
    return AccountChange(user.email, sole, ended, {slug: count for slug, count in rows.items() if count})


def _end_memberships(user: User, heir: User | None) -> list[Membership]:
    """Remove the memberships, pass on what only this account owns; return all that there were."""
    lock_owners(Membership.objects.filter(user=user, role=Role.OWNER).values("namespace_id"))
    ownerships = sole_ownerships(user)
    if ownerships and heir is None:
        _refuse_sole_owner(ownerships)
    for ownership in ownerships:
        Membership.objects.update_or_create(
            namespace=ownership.namespace, user=heir, defaults={"role": Role.OWNER}
        )
    ended = list(user.memberships.select_related("namespace").order_by("namespace__slug"))
    user.memberships.all().delete()
    return ended


def close_account(
    user: User,
    *,
    transfer_to: User | None = None,
    progress: Progress = silent,
    seconds: float | None = None,
) -> AccountChange:
    """Delete a user as people understand it.

    One transaction closes the account: sessions, tokens and memberships are gone, log-in is refused, and
    nothing new can belong to it. It waits for transactions that are writing rows for the account. Then,
    namespace by namespace and in batches, what the user owned goes to the sentinel, in one operation; a
    run that is cut off, or has used up its ``seconds``, is finished by :func:`continue_handovers`.
    Authorship stays. Closing again goes on with what is left and otherwise changes nothing.

    Raises SentinelProtected; SoleOwner while a namespace would be left without an owner and
    ``transfer_to`` names none; InvalidInput when ``transfer_to`` is closed, the sentinel or ``user``;
    AccountBusy when a writer does not end. Then nothing has changed.
    """
    refuse_sentinel(user.pk, "be closed")
    with public_scope(), operation() as opened, transaction.atomic():
        heirs = [] if transfer_to is None else [transfer_to]
        accounts = lock_accounts(user, heirs)
        locked = accounts[user.pk]
        if transfer_to is not None:
            _check_heir(locked, transfer_to, accounts.get(transfer_to.pk))
        sole = tuple(each.namespace.slug for each in sole_ownerships(locked))
        ended = _end_memberships(locked, accounts[transfer_to.pk] if transfer_to else None)
        let_nobody_in(locked)
        if locked.closed_at is None:
            locked.is_active, locked.closed_at = False, timezone.now()
            locked.save(update_fields=["is_active", "closed_at"])
            order_work(
                locked, Work.HAND_OVER, opened,
                role={each.namespace_id: each.role for each in ended},
                joined_at={each.namespace_id: each.joined_at for each in ended},
            )  # fmt: skip
    rows = continue_handovers(user, progress=progress, seconds=seconds)
    return AccountChange(
        locked.email, sole, tuple(each.namespace.slug for each in ended), rows, *what_is_left(user)
    )
