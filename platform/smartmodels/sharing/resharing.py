"""Pass on what others share: once, and never for more or longer than it was shared."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import transaction

from smartmodels.context import require_operation
from smartmodels.exceptions import ShareRefused
from smartmodels.sharing.grants import (
    LIVING,
    GrantRole,
    GrantStatus,
    get_grant_model,
    get_registry_model,
)
from smartmodels.sharing.offering import Terms, receivers, waiting_until
from smartmodels.sharing.speaking import refuse_in_private, require_speaker

__all__ = ["reshare"]


def reshare(grant: Any, target: Any, **terms: Any) -> Any:
    """Offer a row that ``grant`` shows in the bound namespace to a third one; return the new grant.

    It ends when that does. Raises ShareRefused unless that is active and may be passed on, and for
    more or longer than it allows; NotPermitted for who does not speak for the namespace.
    """
    refuse_in_private()
    require_speaker(grant.target, "Passing on what others share")
    with transaction.atomic():
        # Before the grant, as who deletes the row at its home.
        get_registry_model().objects.select_for_update(no_key=True).get(pk=grant.resource_id)
        grants = get_grant_model().objects
        held = grants.select_related("home", "target").select_for_update(of=("self",)).get(pk=grant.pk)
        agreed = _narrowed(held, Terms(**terms))
        [to] = receivers(held.home, [target], agreed)
        if to.namespace is not None and to.namespace.pk == held.target_id:
            raise ShareRefused("The row is visible there already: name another namespace.")
        made, _ = grants.get_or_create(
            resource_id=held.resource_id, target=to.namespace, target_slug=to.slug, user=None,
            status__in=LIVING,
            defaults={
                **asdict(agreed), "home": held.home, "source": held, "row_id": held.row_id,
                "status": GrantStatus.ACTIVE if to.consents else GrantStatus.PENDING,
                "answer_by": waiting_until(to), "created_by_label": require_operation().actor.label,
            },
        )  # fmt: skip
    return made


def _narrowed(held: Any, terms: Terms) -> Terms:
    if held.status != GrantStatus.ACTIVE or not held.may_reshare or held.source_id is not None:
        raise ShareRefused("This row was not shared to be passed on: ask its home.")
    if GrantRole(terms.role).rank > GrantRole(held.role).rank:
        raise ShareRefused(f"Who may {held.role} a row cannot let others {terms.role} it.")
    if terms.may_reshare or terms.covers_below:
        raise ShareRefused("What is passed on goes no further, and covers nothing else.")
    ends = [end for end in (terms.expires_at, held.expires_at) if end is not None]
    return Terms(**{**asdict(terms), "expires_at": min(ends, default=None)})
