"""What becomes of a grant: accepted, declined, left, revoked, extended, changed, passed on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from smartmodels.exceptions import GrantStateRefused, ShareRefused
from smartmodels.sharing.grants import LIVING, GrantStatus, get_grant_model
from smartmodels.sharing.offering import Terms
from smartmodels.sharing.speaking import refuse_in_private, require_speaker
from smartmodels.tenancy.models import get_namespace_model
from smartmodels.tenancy.triggers import quoted

__all__ = ["accept", "change_terms", "decline", "expire_grants", "leave", "revoke"]


def accept(grant: Any) -> Any:
    """Accept a pending grant on behalf of its target, and return it; accepting twice changes nothing.

    While its home is not served it sleeps. Raises GrantStateRefused for one that is over, NotPermitted.
    """
    refuse_in_private()
    return _step(
        grant, grant.target, "Accepting what others share", [GrantStatus.PENDING], GrantStatus.ACTIVE
    )


def decline(grant: Any) -> Any:
    """Refuse a pending grant on behalf of its target. Raises GrantStateRefused, NotPermitted."""
    what = "Declining what others share"
    return _step(grant, grant.target, what, [GrantStatus.PENDING], GrantStatus.DECLINED)


def leave(grant: Any) -> Any:
    """Give an accepted grant back on behalf of its target. Raises GrantStateRefused, NotPermitted."""
    living = [GrantStatus.ACTIVE, GrantStatus.SUSPENDED]
    return _step(grant, grant.target, "Giving back what others share", living, GrantStatus.LEFT)


def revoke(grant: Any) -> Any:
    """Take a grant back on behalf of its home: from the next read on the row is not visible in the target.

    One that ended already stays as it is. Raises NotPermitted.
    """
    if grant.status not in LIVING:
        return grant
    return _step(grant, grant.home, "Taking back what is shared", LIVING, GrantStatus.REVOKED)


def change_terms(grant: Any, **terms: Any) -> Any:
    """Change what a living grant allows, and until when, on behalf of its home; return it.

    ``terms`` are some of those of :class:`Terms`. Raises ShareRefused, GrantStateRefused, NotPermitted.
    """
    require_speaker(grant.home, "Changing what is shared")
    with transaction.atomic():
        locked = _locked(grant)
        if locked.status not in LIVING or _is_over(locked):
            raise GrantStateRefused(f"This grant is {_said(locked)}: share the row again.")
        now = {name: getattr(locked, name) for name in asdict(Terms())}
        changed = asdict(replace(Terms(**now), **terms))
        get_grant_model().objects.filter(pk=grant.pk).update(**changed)
    grant.refresh_from_db()
    return grant


def expire_grants() -> int:
    """End grants and offers whose time is over; return how many. Reads do without: they ask the clock."""
    over = Q(expires_at__lte=Now()) | Q(status=GrantStatus.PENDING, answer_by__lte=Now())
    count: int = get_grant_model().objects.filter(over, status__in=LIVING).update(status=GrantStatus.EXPIRED)
    return count


def _step(grant: Any, side: Any, what: str, before: Iterable[str], after: str) -> Any:
    if side is None:
        raise ShareRefused("This offer reaches nobody.")
    require_speaker(side, what)
    with transaction.atomic():
        if after == GrantStatus.ACTIVE:
            _hold_home(grant)
        locked = _locked(grant)
        over = locked.status in LIVING and _is_over(locked) and after != GrantStatus.REVOKED
        if over:
            after = GrantStatus.EXPIRED
        elif locked.status == after or (
            after == GrantStatus.ACTIVE and locked.status == GrantStatus.SUSPENDED
        ):
            return locked
        elif locked.status not in before:
            raise GrantStateRefused(f"This grant is {_said(locked)}, so it cannot become {after}.")
        get_grant_model().objects.filter(pk=locked.pk).update(status=after)
    grant.refresh_from_db()
    if over:
        raise GrantStateRefused("The time of this grant is over: ask its home to share the row again.")
    return grant


def _hold_home(grant: Any) -> None:
    """Hold the home as it is, before the grant: who ends the life of a home holds it when they end grants."""
    table = f"public.{quoted(get_namespace_model()._meta.db_table)}"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {table} WHERE id = %s FOR SHARE", [grant.home_id])


def _locked(grant: Any) -> Any:
    grants = get_grant_model().objects.select_related("resource", "home", "target")
    return grants.select_for_update(of=("self",)).get(pk=grant.pk)


def _is_over(grant: Any) -> bool:
    now = timezone.now()
    ends: list[datetime | None] = [grant.expires_at]
    if grant.status == GrantStatus.PENDING:
        ends.append(grant.answer_by)
    return any(end is not None and end <= now for end in ends)


def _said(grant: Any) -> str:
    return "over" if grant.status in LIVING else str(grant.status)
