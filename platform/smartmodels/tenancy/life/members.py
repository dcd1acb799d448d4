"""Who is a member of a namespace, and as what. Messages name accounts by nothing that is personal."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from smartmodels.context import public_scope
from smartmodels.exceptions import InvalidInput, OwnerClosed
from smartmodels.tenancy.audit import audited
from smartmodels.tenancy.errors import MemberExists, MemberNotFound
from smartmodels.tenancy.life.logins import end_logins
from smartmodels.tenancy.life.owners import require_another_owner
from smartmodels.tenancy.life.states import lock, require_state
from smartmodels.tenancy.models import Role, get_membership_model

__all__ = ["add_member", "change_role", "members_of", "remove_member"]


def _known(role: str) -> Role:
    try:
        return Role(role)
    except ValueError as error:
        raise InvalidInput(f"{role!r} is no role: one of {', '.join(Role.values)}.", field="role") from error


def _begin(namespace: Any) -> Any:
    locked = lock(namespace)
    require_state(locked, "member")
    return locked


def _find(namespace: Any, user: Any) -> Any:
    rows = get_membership_model().objects.select_related("namespace").filter(namespace=namespace)
    found = rows.filter(user_id=user.pk).first()
    if found is None:
        raise MemberNotFound(
            f"The account is no member of {namespace.slug}: see `namespace member list {namespace.slug}`."
        )
    return found


def members_of(namespace: Any) -> list[Any]:
    """Return the memberships with their accounts, in the order in which people joined."""
    with public_scope():
        rows = get_membership_model().objects.select_related("user").filter(namespace=namespace)
        return list(rows.order_by("joined_at", "pk"))


def add_member(namespace: Any, user: Any, role: str) -> Any:
    """Make an account a member; one that is a member of this role already is returned.

    Raises MemberExists for one of another role, InvalidInput for an unknown role, SentinelProtected and
    OwnerClosed for accounts nobody can use, and NamespaceStateRefused.
    """
    with audited("member-add", namespace, subject_id=user.pk, role=role[:20]) as record:
        wanted, locked, model = _known(role), _begin(namespace), get_membership_model()
        if not user.is_active:
            raise OwnerClosed("The account is closed, so it joins nothing: name another one.")
        try:
            with transaction.atomic():
                return model.objects.create(namespace=locked, user=user, role=wanted)
        except IntegrityError:
            found = _find(locked, user)
        if found.role != wanted:
            raise MemberExists(
                f"The account is a member of {locked.slug} already, as {found.role}: change its role instead "
                "(`namespace member role`).",
                role=found.role,
            )
        record.unchanged()
        return found


def change_role(namespace: Any, user: Any, role: str) -> Any:
    """Give a member another role.

    Raises MemberNotFound, InvalidInput for an unknown role, SoleOwner for the last owner, and
    NamespaceStateRefused.
    """
    with audited("member-role", namespace, subject_id=user.pk, role=role[:20]) as record:
        wanted = _known(role)
        found = _find(_begin(namespace), user)
        if found.role == wanted:
            record.unchanged()
            return found
        if wanted != Role.OWNER:
            require_another_owner(found)
        record.note(before=str(found.role))
        found.role = wanted
        found.save(update_fields=["role"])
        return found


def remove_member(namespace: Any, user: Any) -> None:
    """End a membership, and the member's sessions and tokens of this namespace with it.

    Raises MemberNotFound, SoleOwner for the last owner, and NamespaceStateRefused.
    """
    with audited("member-remove", namespace, subject_id=user.pk) as record:
        locked = _begin(namespace)
        found = _find(locked, user)
        require_another_owner(found)
        record.note(before=str(found.role), logins_ended=end_logins(locked, user))
        found.delete()
