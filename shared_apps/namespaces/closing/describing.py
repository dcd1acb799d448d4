"""Find accounts, and say how they stand."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

from django.db.models import Count, Q, Sum

from shared_apps.accounts.models import User
from shared_apps.namespaces.closing.restoring import restorable_until
from shared_apps.namespaces.closing.work import unfinished
from shared_apps.namespaces.models import Handover
from smartmodels.context import public_scope
from smartmodels.exceptions import RowNotFound

__all__ = ["describe_account", "find_account", "state_of_account"]


def find_account(given: str) -> User:
    """Return the account of an e-mail address or a key; raise RowNotFound."""
    wanted = given.strip().lower()
    by_key = Q(email=wanted)
    with suppress(ValueError):
        by_key |= Q(pk=uuid.UUID(wanted))
    with public_scope():
        # What cannot be stored was never stored, and PostgreSQL refuses to look for it.
        user: User | None = User.objects.filter(by_key).first() if wanted.isprintable() else None
    if user is None:
        raise RowNotFound(f"No account has the address {given!r}.")
    return user


def state_of_account(user: User) -> str:
    """Return ``open``, ``inactive`` (staff switched it off), ``closed`` or ``anonymised``."""
    if user.anonymised_at is not None:
        return "anonymised"
    if user.closed_at is not None:
        return "closed"
    return "open" if user.is_active else "inactive"


def describe_account(user: User) -> dict[str, Any]:
    """Return all that is known of the account: its memberships, and work that is done or left."""
    with public_scope():
        memberships = user.memberships.select_related("namespace").order_by("namespace__slug")
        work = Handover.objects.filter(user=user).values("work", "operation_id")
        left = unfinished(user).order_by("namespace__slug").values_list("namespace__slug", flat=True)
        return {
            "id": user.pk,
            "email": user.email,
            "name": user.name,
            "state": state_of_account(user),
            "joined_at": user.joined_at,
            "closed_at": user.closed_at,
            "restorable_until": restorable_until(user),
            "anonymised_at": user.anonymised_at,
            "memberships": [{"namespace": each.namespace.slug, "role": each.role} for each in memberships],
            "work": list(work.annotate(namespaces=Count("pk"), rows_done=Sum("rows")).order_by("work")),
            "left": list(left),
        }
