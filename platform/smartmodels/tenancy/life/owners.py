"""Every namespace that is served, or may come to be, keeps an owner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smartmodels.exceptions import SoleOwner
from smartmodels.tenancy.models import Role, State, get_membership_model

__all__ = ["is_last_owner", "lock_owners", "require_another_owner", "sole_ownerships"]

_NEED_AN_OWNER = (
    State.RESERVED, State.CREATING, State.FAILED, State.ACTIVE, State.MAINTENANCE, State.SUSPENDED
)  # fmt: skip


def lock_owners(namespaces: Iterable[Any]) -> None:
    """Lock all owners of the namespaces (their keys, or a query for them) until the transaction ends.

    So of two owners who leave at once, one waits and sees the other gone.
    """
    owners = get_membership_model().objects.filter(namespace_id__in=namespaces, role=Role.OWNER)
    list(owners.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def sole_ownerships(user: Any) -> list[Any]:
    """Return the user's ownerships of namespaces, active, suspended or half-made, that nobody else owns."""
    owners = get_membership_model().objects.filter(role=Role.OWNER)
    owned = owners.filter(user=user, namespace__state__in=_NEED_AN_OWNER)
    others = owners.filter(user__is_active=True).exclude(user=user)
    return list(
        owned.exclude(namespace_id__in=others.values("namespace_id"))
        .select_related("namespace")
        .order_by("namespace__slug")
    )


def is_last_owner(membership: Any) -> bool:
    """Tell whether the namespace has no other owner; holds its owners until the transaction ends."""
    lock_owners([membership.namespace_id])
    owners = get_membership_model().objects.filter(namespace_id=membership.namespace_id, role=Role.OWNER)
    others = owners.filter(user__is_active=True).exclude(pk=membership.pk)
    return owners.filter(pk=membership.pk).exists() and not others.exists()


def require_another_owner(membership: Any) -> None:
    """Raise SoleOwner when the namespace would be left without an owner."""
    if is_last_owner(membership):
        slug = membership.namespace.slug
        raise SoleOwner(f"{slug} has no other owner: name one first.", namespaces=[slug])
