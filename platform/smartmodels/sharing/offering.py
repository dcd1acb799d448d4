"""Share rows of the bound namespace with others: at once where both sides consent, else as an offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from smartmodels.context import require_namespace, require_operation
from smartmodels.exceptions import NotPermitted, ShareRefused
from smartmodels.querysets import check_instance
from smartmodels.sharing.covering import cover
from smartmodels.sharing.grants import (
    LIVING,
    GrantCause,
    GrantStatus,
    get_grant_model,
)
from smartmodels.sharing.policies import Sharing, policy_of
from smartmodels.sharing.registering import register
from smartmodels.sharing.speaking import refuse_in_private, speaks_for
from smartmodels.sharing.terms import Terms, takes_in, within_policy
from smartmodels.tenancy.models import State, get_namespace_model

__all__ = [
    "ANSWER_DAYS",
    "Receiver",
    "check_shareable",
    "expire_living",
    "grant_rows",
    "receivers",
    "share",
    "share_many",
    "waiting_until",
]

ANSWER_DAYS = 14
"""Days in which an offer can be accepted."""


def share(resource: Any, target: Any, *, cause: str = GrantCause.MANUAL, **terms: Any) -> Any:
    """Offer a row of the bound namespace to another one; return the grant.

    ``target`` is a namespace, or the slug of what may be one; ``terms`` are those of :class:`Terms`. Active
    at once when the actor speaks for the target as well, or the target takes offers at once; else
    pending until one of its admins accepts. Offering again returns the living grant, with the new terms. An
    offer to a slug that nobody has, or to somebody who takes none, looks like any other that waits. Raises
    ShareRefused, and NotPermitted for who does not share for the home.
    """
    return share_many([resource], [target], cause=cause, **terms)[0]


def share_many(
    rows: Sequence[Any], targets: Sequence[Any], *, cause: str = GrantCause.MANUAL, **terms: Any
) -> list[Any]:
    """Offer each of these rows of one model to each target; return the grants, row by row: all or none.

    The number of queries grows with the number of targets, not of rows. Raises as :func:`share`.
    """
    if not rows or not targets:
        return []
    home = require_namespace()
    agreed = _agreed(home, rows, Terms(**terms))
    with transaction.atomic():
        registered = register(type(rows[0]), [row.pk for row in rows])
        made = [
            grant_rows(home, registered, each, agreed, cause) for each in receivers(home, targets, agreed)
        ]
        if agreed.covers_below:
            for grants in made:
                cover(list(grants.values()), policy_of(home))
    return [grants[registered[row.pk]] for row in rows for grants in made]


def _agreed(home: Any, rows: Sequence[Any], terms: Terms) -> Terms:
    """Return the terms as the home's policy completes them; raise ShareRefused or NotPermitted."""
    refuse_in_private()
    for row in rows:
        check_instance(row)
    check_shareable(rows)
    policy = policy_of(home)
    agreed = within_policy(home, policy, terms)
    if policy.outbound == Sharing.APPROVE and not speaks_for(home):
        raise NotPermitted("Sharing is for the owner and the admins of a namespace: ask one of them.")
    return agreed


def check_shareable(rows: Sequence[Any]) -> None:
    """Raise ShareRefused for rows of several models, and of one whose rows are not shared."""
    model = type(rows[0])
    if not model.smart.shareable or any(type(row) is not model for row in rows):
        kind = model._meta.verbose_name_plural
        raise ShareRefused(
            f"{kind.capitalize()} are not shared with other namespaces (class Smart: shareable)."
        )


@dataclass(frozen=True, slots=True)
class Receiver:
    """Whom an offer goes to: nobody where ``namespace`` is None, and unasked where they consent."""

    slug: str
    namespace: Any | None
    consents: bool


def waiting_until(to: Receiver) -> datetime | None:
    """Return until when the receiver may accept, or None where nobody has to."""
    return None if to.consents else timezone.now() + timedelta(days=ANSWER_DAYS)


def receivers(home: Any, targets: Sequence[Any], terms: Terms) -> list[Receiver]:
    """Return who gets rows of ``home`` under these terms; raise ShareRefused where its policy forbids it."""
    slugs = {each for each in targets if isinstance(each, str)}
    found = {each.slug: each for each in get_namespace_model().objects.filter(slug__in=slugs)}
    known = [found.get(each) if isinstance(each, str) else each for each in targets]
    if any(each is not None and each.pk == home.pk for each in known):
        raise ShareRefused("A row is visible in its own namespace already: name another one.")
    names = [each if isinstance(each, str) else each.slug for each in targets]
    policy = policy_of(home)
    if strangers := [name for name in names if not policy.knows(name)]:
        raise ShareRefused(
            f"{home.slug} shares with its partners only (its sharing policy): not with {strangers[0]}."
        )
    return [_receiver(home, name, namespace, terms) for name, namespace in zip(names, known, strict=True)]


def _receiver(home: Any, slug: str, namespace: Any | None, terms: Terms) -> Receiver:
    is_there = namespace is not None and namespace.state in (State.ACTIVE, State.MAINTENANCE)
    # Of nobody the same is asked as of somebody: how long it takes tells whoever offers nothing.
    asked = namespace if is_there else get_namespace_model()(slug=slug)
    if speaks_for(asked) and is_there:
        return Receiver(slug, namespace, consents=True)
    policy = policy_of(asked)
    if not is_there or not takes_in(policy, home, terms):
        return Receiver(slug, None, consents=False)
    return Receiver(slug, namespace, consents=policy.inbound == Sharing.AUTO)


def grant_rows(
    home: Any, registered: dict[Any, Any], to: Receiver, terms: Terms, cause: str
) -> dict[Any, Any]:
    """Grant rows (key in the registry by key of the row) to one target; return the grants by the former.

    Grants that live already get these terms. Who may do so was asked before.
    """
    model, now = get_grant_model(), timezone.now()
    kept = {
        **asdict(terms),
        "cause": cause,
        "created_by_label": require_operation().actor.label,
    }
    status = GrantStatus.ACTIVE if to.consents else GrantStatus.PENDING
    living = model.objects.filter(
        _given_to(to, cause), resource_id__in=registered.values(), user=None, status__in=LIVING
    )
    expire_living(living, now)
    before = {grant.resource_id for grant in living.select_for_update(of=("self",)).order_by("pk")}
    if before:
        living.filter(resource_id__in=before).update(**asdict(terms))
    model.objects.bulk_create(
        [
            model(
                resource_id=key, home=home, target=to.namespace, target_slug=to.slug, status=status,
                answer_by=waiting_until(to), model="", row_id=row_id, **kept,
            )
            for row_id, key in registered.items() if key not in before
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    found = living.select_related("resource", "home", "target").order_by(F("target").asc(nulls_first=True))
    return {grant.resource_id: grant for grant in found}


def _given_to(to: Receiver, cause: str) -> Q:
    """Return the condition for grants that an offer renews.

    An offer that waits is renewed by its name, whoever bears that by now: were it another one once there is
    somebody, or once they take less, whoever offers twice would learn so.
    """
    waiting = Q(target_slug=to.slug, status=GrantStatus.PENDING, source=None)
    if to.namespace is None:
        return waiting
    told = to.consents or cause != GrantCause.MANUAL
    return Q(target=to.namespace) if told else Q(target=to.namespace) | waiting


def expire_living(grants: Any, now: datetime) -> None:
    """End what nobody ended yet although its time is over, so that it is not taken for living."""
    grants.filter(Q(expires_at__lte=now) | Q(status=GrantStatus.PENDING, answer_by__lte=now)).update(
        status=GrantStatus.EXPIRED
    )
