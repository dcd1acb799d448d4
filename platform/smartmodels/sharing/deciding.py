"""What becomes of a grant: accepted, declined, left, revoked, extended, changed, passed on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from smartmodels.context import current_namespace, namespace_scope, operation
from smartmodels.exceptions import GrantStateRefused, ShareRefused
from smartmodels.sharing.clock import is_over
from smartmodels.sharing.covering import cover
from smartmodels.sharing.grants import LIVING, GrantRole, GrantStatus, get_grant_model
from smartmodels.sharing.policies import policy_of
from smartmodels.sharing.registering import hold_home
from smartmodels.sharing.speaking import Side, refuse_in_private, require_side, speaks_for
from smartmodels.sharing.terms import Terms, refuse_wider, takes_in, terms_of, within_policy

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

    Who passed it on takes it back likewise. One that ended already stays as it is. Raises NotPermitted.
    """
    if grant.status not in LIVING:
        return grant
    what = "Taking back what is shared"
    if not _acts_for_passer(grant):
        return _step(grant, "home", what, LIVING, GrantStatus.REVOKED)
    with operation(via=grant.passer.slug, via_grant=grant.source_id):
        return _step(grant, "passer", what, LIVING, GrantStatus.REVOKED)


def _acts_for_passer(grant: Any) -> bool:
    """Tell whether it is by who passed the grant on: they are bound, or decide for no more than that."""
    if grant.passer_id is None or grant.source_id is None:
        return False
    here = current_namespace()
    return (here is not None and here.pk == grant.passer_id) or not speaks_for(grant.home)


def change_terms(grant: Any, **terms: Any) -> Any:
    """Change what a living grant allows, and until when, on behalf of its home; return it.

    ``terms`` are some of those of :class:`Terms`; one that begins to cover what belongs to the row shares
    what is there already as well. More than before is judged by the policies of both sides, but what waits
    for an answer says nothing of the target's: that is judged when it is accepted. Raises ShareRefused,
    GrantStateRefused, NotPermitted.
    """
    require_side(grant, "home", "Changing what is shared")
    with transaction.atomic():
        hold_home(grant)
        if terms.get("covers_below"):
            _hold_row(grant)
        locked = _locked(grant)
        if locked.status not in LIVING or is_over(locked):
            raise GrantStateRefused(f"This grant is {_said(locked)}: share the row again.")
        changed = _agreed(locked, replace(Terms(**terms_of(locked)), **terms))
        get_grant_model().objects.filter(pk=grant.pk).update(**asdict(changed))
        grant.refresh_from_db()
        if changed.covers_below and not locked.covers_below:
            with namespace_scope(locked.home):
                cover([grant], policy_of(locked.home))
    return grant


def _agreed(grant: Any, changed: Terms) -> Terms:
    """Return the terms if both sides agree to them, and if it is a grant that can have them."""
    held = Terms(**terms_of(grant))
    agreed = within_policy(grant.home, policy_of(grant.home), changed, held=held)
    if grant.status != GrantStatus.PENDING and agreed.exceed(held):
        target = grant.target or grant.home
        if not takes_in(policy_of(target), grant.home, agreed, held=held):
            raise ShareRefused(f"{target.slug} takes no more of this than it has (its sharing policy).")
    if grant.target_id is None and grant.user_id is not None:
        refuse_wider(agreed)
    if grant.source_id is not None and agreed.may_reshare:
        raise ShareRefused("What comes from another grant goes no further.", field="may_reshare")
    return agreed


def expire_grants() -> int:
    """End grants and offers whose time is over; return how many. Reads do without: they ask the clock."""
    over = Q(expires_at__lte=Now()) | Q(status=GrantStatus.PENDING, answer_by__lte=Now())
    count: int = get_grant_model().objects.filter(over, status__in=LIVING).update(status=GrantStatus.EXPIRED)
    return count


def _step(grant: Any, side: Side, what: str, before: Iterable[str], after: str) -> Any:
    require_side(grant, side, what)
    with transaction.atomic():
        if after == GrantStatus.ACTIVE:
            hold_home(grant)
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
        elif after == GrantStatus.ACTIVE:
            _refuse_above(locked)
        get_grant_model().objects.filter(pk=locked.pk).update(status=after)
    grant.refresh_from_db()
    if over:
        raise GrantStateRefused("The time of this grant is over: ask its home to share the row again.")
    return grant


def _hold_row(grant: Any) -> None:
    """Hold the row before its grant, as who deletes it does: then they do not wait for one another."""
    with namespace_scope(grant.home):
        rows = apps.get_model(grant.model).all_objects.filter(pk=grant.row_id)
        list(rows.select_for_update(no_key=True).values_list("pk"))


def _refuse_above(grant: Any) -> None:
    """Refuse to accept a role above what the target takes in: it may have been raised after the offer."""
    highest = policy_of(grant.target or grant.home).highest_role
    if GrantRole(grant.role).rank > GrantRole(highest).rank:
        raise ShareRefused(f"Rows are taken in here as {highest} at most (the sharing policy).", field="role")


def _locked(grant: Any) -> Any:
    grants = get_grant_model().objects.select_related("resource", "home", "target", "passer")
    return grants.select_for_update(of=("self",)).get(pk=grant.pk)


def _said(grant: Any) -> str:
    return "over" if grant.status in LIVING else str(grant.status)
