"""What is done for namespaces and accounts in the background."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from shared_apps.accounts.models import User
from shared_apps.namespaces.closing import anonymise_due, continue_handovers
from shared_apps.namespaces.closing.work import unfinished
from shared_apps.namespaces.models import Namespace
from smartmodels.exceptions import NamespaceBusy, NamespaceFailed
from smartmodels.jobs import job, progress
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.life import purge_expired
from smartmodels.tenancy.models import State
from smartmodels.tenancy.spares import fill_spares

__all__ = [
    "anonymise",
    "expire_reservations",
    "fill_spare_schemas",
    "finish_cut_off",
    "hand_over",
    "hand_over_account",
    "provision",
    "purge_deleted",
]

_GRACE = timedelta(seconds=60)
"""Provisioning that takes longer than this, and whose process does not hold the lock, was cut off."""


@job("namespaces.provision", atomic=False, retries=2, wait=5, timeout=3600)
def provision(namespace: str) -> dict[str, Any]:
    """Turn a reservation into a served namespace; return its slug and state. Repeating it is harmless."""
    reserved = Namespace.objects.get(pk=namespace)
    steps, begun = list(provisioning.STEPS), set[str]()

    def tell(step: str) -> None:
        """Say which step begins, or which migration of a step is applied."""
        begun.update({step} & set(steps))
        progress(max(len(begun) - 1, 0), len(steps), step)

    provisioning.resume(reserved, progress=tell)
    progress(len(steps), len(steps), f"{reserved.slug} is {reserved.state}")
    return {"slug": reserved.slug, "state": str(reserved.state)}


@job("namespaces.finish_cut_off", atomic=False, every="* * * * *", timeout=3600)
def finish_cut_off() -> dict[str, str]:
    """Finish namespaces whose making was cut off: neither ended nor failed in the time it may take.

    One that failed waits for ``namespace resume`` or ``rollback``.
    """
    finished: dict[str, str] = {}
    for namespace in _cut_off():
        progress(len(finished), None, namespace.slug)
        try:
            finished[namespace.slug] = str(provisioning.resume(namespace).state)
        except NamespaceBusy:
            continue  # Its process lives: nothing was cut off.
        except NamespaceFailed:
            finished[namespace.slug] = str(State.FAILED)  # Its row says why.
    return finished


def _cut_off() -> list[Namespace]:
    begun_before = timezone.now() - _GRACE
    return [
        namespace
        for namespace in provisioning.unfinished()
        if namespace.state in (State.RESERVED, State.CREATING) and namespace.created_at < begun_before
    ]


@job("namespaces.hand_over", every="* * * * *")
def hand_over() -> int:
    """Queue a job for every closed or restored account that is not finished; return how many."""
    accounts = unfinished().order_by("user_id").values_list("user_id", flat=True).distinct()
    for user_id in accounts:
        hand_over_account.enqueue(key=str(user_id), user=str(user_id))
    return len(accounts)


@job("namespaces.hand_over_account", atomic=False, timeout=3600)
def hand_over_account(user: str) -> dict[str, int]:
    """Go on with what is left to do for an account; return rows by slug."""

    def tell(slug: str, rows: int) -> None:
        """Say how many rows of a namespace are done."""
        progress(rows, None, slug)

    return continue_handovers(User.objects.get(pk=user), progress=tell)


@job("namespaces.anonymise", atomic=False, every="*/10 * * * *", timeout=3600)
def anonymise() -> int:
    """Anonymise accounts whose grace period is over; return how many are finished."""
    return sum(not change.left for change in anonymise_due())


@job("namespaces.fill_spares", atomic=False, every="* * * * *", timeout=3600)
def fill_spare_schemas() -> dict[str, int]:
    """Keep schemas ready for new namespaces; return how many were made and dropped, and are ready."""
    return fill_spares().as_dict()


@job("namespaces.expire_reservations", atomic=False, every="*/10 * * * *", timeout=3600)
def expire_reservations() -> list[str]:
    """Roll back namespaces that were reserved and never finished; return their slugs."""
    return provisioning.expire_reservations()


@job("namespaces.purge_deleted", atomic=False, every="30 3 * * *", timeout=3600)
def purge_deleted() -> list[str]:
    """Remove for good the namespaces whose grace period after deletion is over; return their slugs."""
    return purge_expired()
