"""Every namespace that is served, or may come to be, keeps an owner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Membership
from smartmodels.exceptions import SoleOwner
from smartmodels.tenancy.models import Role, State

__all__ = ["is_last_owner", "lock_owners", "require_another_owner", "sole_ownerships"]

_NEED_AN_OWNER = (State.RESERVED, State.CREATING, State.FAILED, State.ACTIVE, State.SUSPENDED)


def lock_owners(namespaces: Iterable[Any]) -> None:
    """Lock all owners of the namespaces (their keys, or a query for them) until the transaction ends.

    So of two owners who leave at once, one waits and sees the other gone.
    """
    owners = Membership.objects.filter(namespace_id__in=namespaces, role=Role.OWNER)
    list(owners.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def sole_ownerships(user: User) -> list[Membership]:
    """Return the user's ownerships of namespaces, active, suspended or half-made, that nobody else owns."""
    owned = Membership.objects.filter(user=user, role=Role.OWNER, namespace__state__in=_NEED_AN_OWNER)
    others = Membership.objects.filter(role=Role.OWNER, user__is_active=True).exclude(user=user)
    return list(
        owned.exclude(namespace_id__in=others.values("namespace_id"))
        .select_related("namespace")
        .order_by("namespace__slug")
    )


def is_last_owner(membership: Membership) -> bool:
    """Tell whether the namespace has no other owner; holds its owners until the transaction ends."""
    lock_owners([membership.namespace_id])
    stored = Membership.objects.filter(pk=membership.pk, role=Role.OWNER)
    others = Membership.objects.filter(
        namespace_id=membership.namespace_id, role=Role.OWNER, user__is_active=True
    )
    return stored.exists() and not others.exclude(pk=membership.pk).exists()


def require_another_owner(membership: Membership) -> None:
    """Raise SoleOwner when the namespace would be left without an owner."""
    if is_last_owner(membership):
        slug = membership.namespace.slug
        raise SoleOwner(f"{slug} has no other owner: name one first.", namespaces=[slug])
