"""Members that an archive names: by address and role, never with a password, session, token or key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models.functions import Lower

from smartmodels.context import public_scope
from smartmodels.tenancy.models import Role, get_membership_model
from smartmodels.transfer.archive import refuse
from smartmodels.transfer.references import user_model

__all__ = ["join_members"]


def join_members(namespace: Any, members: Iterable[tuple[str, str]]) -> int:
    """Let those who have an active account here, by its address, be members; return how many joined.

    Who is a member already, as the owner is, stays what they are. Nobody is made. Raises ArchiveInvalid for
    a role that there is not.
    """
    roles = {email.lower(): role for email, role in members}
    if odd := sorted(set(roles.values()) - set(Role.values)):
        raise refuse(f"{odd[0]!r} is no role of members.")
    model = get_membership_model()
    with public_scope(), transaction.atomic():
        known = user_model().objects.filter(is_active=True).annotate(address=Lower("email"))
        there = set(model.objects.filter(namespace=namespace).values_list("user_id", flat=True))
        users = [user for user in known.filter(address__in=roles) if user.pk not in there]
        model.objects.bulk_create(
            model(namespace=namespace, user=user, role=roles[user.address]) for user in users
        )
    return len(users)
