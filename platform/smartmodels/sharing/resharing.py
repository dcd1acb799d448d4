"""Pass on what others share: once, and never for more or longer than it was shared."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from django.db import transaction

from smartmodels.context import require_operation
from smartmodels.exceptions import ShareRefused
from smartmodels.sharing.grants import (
    LIVING,
    GrantEnd,
    GrantHistory,
    GrantStatus,
    get_grant_model,
    get_registry_model,
)
from smartmodels.sharing.offering import Receiver, receivers, waiting_until
from smartmodels.sharing.policies import policy_of
from smartmodels.sharing.registering import hold_home
from smartmodels.sharing.speaking import refuse_in_private, require_speaker
from smartmodels.sharing.terms import Terms, within_policy

__all__ = ["reshare"]


def reshare(grant: Any, target: Any, **terms: Any) -> Any:
    """Offer a row that ``grant`` shows in the bound namespace to a third one; return the new grant.

    It ends when that does. Passing on again returns the living grant. An offer to who sees the row by
    another grant looks like one that waits: whom else the home shares with is not for the bound namespace.
    Raises ShareRefused unless that is active and may be passed on, for more or longer than it allows, and
    for what the policy of the home does not let out by now;
    NotPermitted for who does not speak for the namespace.
    """
    refuse_in_private()
    require_speaker(grant.target, "Passing on what others share")
    with transaction.atomic():
        hold_home(grant)
        # Before the grant, as who deletes the row at its home.
        get_registry_model().objects.select_for_update(no_key=True).get(pk=grant.resource_id)
        grants = get_grant_model().objects
        held = grants.select_related("home", "target").select_for_update(of=("self",)).get(pk=grant.pk)
        agreed = _narrowed(held, Terms(**terms))
        [to] = receivers(held.home, [target], agreed)
        if to.namespace is not None and to.namespace.pk == held.target_id:
            raise ShareRefused("The row is visible there already: name another namespace.")
        living = grants.filter(resource_id=held.resource_id, user=None, status__in=LIVING)
        made = living.filter(source=held, target_slug=to.slug).first()
        if made is None:
            if to.namespace is not None and living.filter(target=to.namespace).exists():
                to = Receiver(to.slug, None, consents=False)
            made = grants.create(
                **asdict(agreed), resource_id=held.resource_id, home=held.home, target=to.namespace,
                target_slug=to.slug, source=held, row_id=held.row_id, answer_by=waiting_until(to),
                status=GrantStatus.ACTIVE if to.consents else GrantStatus.PENDING,
                created_by_label=require_operation().actor.label,
            )  # fmt: skip
    return made


def _narrowed(held: Any, terms: Terms) -> Terms:
    if held.status != GrantStatus.ACTIVE or not held.may_reshare or held.source_id is not None:
        raise ShareRefused("This row was not shared to be passed on: ask its home.")
    if terms.rank > Terms(role=held.role).rank:
        raise ShareRefused(f"Who may {held.role} a row cannot let others {terms.role} it.")
    shown = list(GrantHistory)
    if shown.index(GrantHistory(terms.history)) > shown.index(GrantHistory(held.history)):
        raise ShareRefused("Its history was not shared that far: ask its home.", field="history")
    if terms.at_end == GrantEnd.COPY and held.at_end != GrantEnd.COPY:
        raise ShareRefused("No copy of it was promised: ask its home.", field="at_end")
    if terms.may_reshare or terms.covers_below:
        raise ShareRefused("What is passed on goes no further, and covers nothing else.")
    terms = within_policy(held.home, policy_of(held.home), terms)
    ends = [end for end in (terms.expires_at, held.expires_at) if end is not None]
    return replace(terms, expires_at=min(ends, default=None))
