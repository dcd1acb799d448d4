"""Private mode: share rows with other users of the namespace, each row by itself."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from smartmodels.context import require_namespace, require_operation
from smartmodels.exceptions import NotPermitted, ShareRefused
from smartmodels.querysets import check_instance, is_private
from smartmodels.sharing.grants import LIVING, GrantCause, GrantStatus, get_grant_model
from smartmodels.sharing.offering import ANSWER_DAYS, check_shareable, expire_living
from smartmodels.sharing.policies import Sharing, policy_of
from smartmodels.sharing.registering import register
from smartmodels.sharing.speaking import acts_for_all
from smartmodels.sharing.terms import Terms, refuse_wider, within_policy
from smartmodels.tenancy.models import get_membership_model

__all__ = ["member_of", "share_with_users"]


@dataclass(frozen=True, slots=True)
class _Receiver:
    """Whom an offer goes to: nobody where ``user`` is None, and unasked where they consent."""

    name: str
    user: Any | None
    consents: bool


def share_with_users(rows: Sequence[Any], users: Sequence[Any], **terms: Any) -> list[Any]:
    """Offer each of these rows of one model to each user; return the grants, row by row: all or none.

    For private mode. A user is one, or the key or e-mail address of what may be one; ``terms`` are role,
    expiry and history of :class:`Terms`. Who owns the rows shares them, as far as the policy of the bound
    namespace allows, and so does the operator. Active at once where the policy takes everything in, and
    for the operator; else pending until the user accepts. Offering again returns the living grant with the
    new terms. An offer to somebody who is no member looks like any other that waits. Raises ShareRefused,
    NotPermitted, and RowNotFound.
    """
    if not rows or not users:
        return []
    home = require_namespace()
    agreed = _agreed(home, rows, Terms(**terms))
    receivers = [_receiver(home, each) for each in users]
    if any(to.user is not None and to.user.pk == row.owner_id for to in receivers for row in rows):
        raise ShareRefused("Whose row it is sees it already: name somebody else.", field="user")
    with transaction.atomic():
        registered = register(type(rows[0]), [row.pk for row in rows])
        made = [_grant(home, registered, to, agreed) for to in receivers]
    return [grants[registered[row.pk]] for row in rows for grants in made]


def _agreed(home: Any, rows: Sequence[Any], terms: Terms) -> Terms:
    if not is_private():
        raise ShareRefused("Members see the rows of their namespace here: rows are shared with namespaces.")
    check_shareable(rows)
    principal = require_operation().principal
    for row in rows:
        check_instance(row)
        if not acts_for_all() and row.owner_id != principal.user_id:
            raise NotPermitted("Sharing a private row is for whose it is: ask them.")
    refuse_wider(terms)
    policy = policy_of(home)
    agreed = within_policy(home, policy, terms)
    if policy.inbound == Sharing.OFF:
        raise ShareRefused(f"{home.slug} takes nothing in (its sharing policy): ask one of its admins.")
    return agreed


def _receiver(home: Any, given: Any) -> _Receiver:
    if isinstance(given, str):
        given = given.strip()
    user = member_of(home, given)
    name = str(given).lower() if user is None else user.email
    consents = acts_for_all() or policy_of(home).inbound == Sharing.AUTO
    return _Receiver(name[:254], user, consents=consents and user is not None)


def member_of(home: Any, given: Any) -> Any | None:
    """Return the user whom ``given`` names, if they are a member of the home and their account is open."""
    if isinstance(given, str):
        asked = Q(email__iexact=given)
        with suppress(ValueError):
            asked = Q(pk=uuid.UUID(given))
    else:
        asked = Q(pk=getattr(given, "pk", given))
    members = get_membership_model().objects.filter(namespace_id=home.pk)
    found = get_user_model()._default_manager.filter(asked, is_active=True, pk__in=members.values("user_id"))
    return found.first()


def _grant(home: Any, registered: dict[Any, Any], to: _Receiver, terms: Terms) -> dict[Any, Any]:
    """Grant rows (key in the registry by key of the row) to one user; return the grants by the former."""
    model = get_grant_model()
    whose = Q(user=to.user) if to.user is not None else Q(user=None, target=None, target_slug=to.name)
    living = model.objects.filter(whose, resource_id__in=registered.values(), status__in=LIVING)
    expire_living(living, timezone.now())
    before = {grant.resource_id for grant in living.select_for_update(of=("self",)).order_by("pk")}
    living.filter(resource_id__in=before).update(**asdict(terms))
    model.objects.bulk_create(
        [
            model(
                **asdict(terms), resource_id=key, home=home, user=to.user, target_slug=to.name, model="",
                row_id=row_id, cause=GrantCause.MANUAL,
                status=GrantStatus.ACTIVE if to.consents else GrantStatus.PENDING,
                answer_by=None if to.consents else timezone.now() + timedelta(days=ANSWER_DAYS),
                created_by_label=require_operation().actor.label,
            )
            for row_id, key in registered.items() if key not in before
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    found = living.select_related("resource", "home", "target")
    return {grant.resource_id: grant for grant in found}
