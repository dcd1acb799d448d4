"""What becomes of a grant: accepted, declined, left, revoked, extended, changed, passed on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from smartmodels.context import namespace_scope
from smartmodels.exceptions import GrantStateRefused, ShareRefused
from smartmodels.sharing.clock import is_over
from smartmodels.sharing.covering import cover
from smartmodels.sharing.grants import LIVING, GrantRole, GrantStatus, get_grant_model
from smartmodels.sharing.offering import Terms, refuse_wider
from smartmodels.sharing.policies import policy_of
from smartmodels.sharing.speaking import Side, refuse_in_private, require_side
from smartmodels.tenancy.models import get_namespace_model
from smartmodels.tenancy.triggers import quoted

__all__ = ["accept", "change_terms", "decline", "expire_grants", "leave", "revoke"]


def accept(grant: Any) -> Any:
    """Accept a pending grant on behalf of its target, and return it; accepting twice changes nothing.

    While its home is not served it sleeps. Raises GrantStateRefused for one that is over, NotPermitted.
    """
    if grant.user_id is None:
        refuse_in_private()
    what = "Accepting what others share"
    return _step(grant, "target", what, [GrantStatus.PENDING], GrantStatus.ACTIVE)


def decline(grant: Any) -> Any:
    """Refuse a pending grant on behalf of its target. Raises GrantStateRefused, NotPermitted."""
    what = "Declining what others share"
    return _step(grant, "target", what, [GrantStatus.PENDING], GrantStatus.DECLINED)


def leave(grant: Any) -> Any:
    """Give an accepted grant back on behalf of its target. Raises GrantStateRefused, NotPermitted."""
    living = [GrantStatus.ACTIVE, GrantStatus.SUSPENDED]
    return _step(grant, "target", "Giving back what others share", living, GrantStatus.LEFT)


def revoke(grant: Any) -> Any:
    """Take a grant back on behalf of its home: from the next read on the row is not visible in the target.

    One that ended already stays as it is. Raises NotPermitted.
    """
    if grant.status not in LIVING:
        return grant
    return _step(grant, "home", "Taking back what is shared", LIVING, GrantStatus.REVOKED)


def change_terms(grant: Any, **terms: Any) -> Any:
    """Change what a living grant allows, and until when, on behalf of its home; return it.

    ``terms`` are some of those of :class:`Terms`; one that begins to cover what belongs to the row shares
    what is there already as well. Raises ShareRefused, GrantStateRefused, NotPermitted.
    """
    require_side(grant, "home", "Changing what is shared")
    with transaction.atomic():
        locked = _locked(grant)
        if locked.status not in LIVING or is_over(locked):
            raise GrantStateRefused(f"This grant is {_said(locked)}: share the row again.")
        now = {name: getattr(locked, name) for name in asdict(Terms())}
        changed = replace(Terms(**now), **terms)
        _refuse_more(locked, changed)
        get_grant_model().objects.filter(pk=grant.pk).update(**asdict(changed))
        grant.refresh_from_db()
        if changed.covers_below and not locked.covers_below:
            with namespace_scope(locked.home):
                cover([grant])
    return grant


def _refuse_more(grant: Any, changed: Terms) -> None:
    """Refuse a role above what the home lets out, and terms that a grant passed on cannot have."""
    highest = policy_of(grant.home).highest_role
    if changed.role != grant.role and GrantRole(changed.role).rank > GrantRole(highest).rank:
        raise ShareRefused(f"{grant.home.slug} shares its rows as {highest} at most (its sharing policy).")
    if grant.target_id is None and grant.user_id is not None:
        refuse_wider(changed)
    if grant.source_id is not None and changed.may_reshare:
        raise ShareRefused("What comes from another grant goes no further.", field="may_reshare")


def expire_grants() -> int:
    """End grants and offers whose time is over; return how many. Reads do without: they ask the clock."""
    over = Q(expires_at__lte=Now()) | Q(status=GrantStatus.PENDING, answer_by__lte=Now())
    count: int = get_grant_model().objects.filter(over, status__in=LIVING).update(status=GrantStatus.EXPIRED)
    return count


def _step(grant: Any, side: Side, what: str, before: Iterable[str], after: str) -> Any:
    require_side(grant, side, what)
    with transaction.atomic():
        if after == GrantStatus.ACTIVE:
            _hold_home(grant)
        locked = _locked(grant)
        over = locked.status in LIVING and is_over(locked) and after != GrantStatus.REVOKED
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


def _said(grant: Any) -> str:
    return "over" if grant.status in LIVING else str(grant.status)
