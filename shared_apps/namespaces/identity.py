"""Who is asking, and as what, in the namespace that is bound."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser

from shared_apps.accounts.models import Token, User
from shared_apps.namespaces.models import Membership
from smartmodels.context import current_namespace
from smartmodels.ownership import is_sentinel
from smartmodels.tenancy.life.states import STAFF_ONLY
from smartmodels.tenancy.models import State

__all__ = ["membership_of", "user_of_token"]


def membership_of(user: User | AnonymousUser) -> Membership | None:
    """Return the user's membership of the bound namespace, or None.

    Asked once per request, of the database: so a removed member, and a namespace suspended a moment ago,
    are noticed by the next request in every process, whatever its routing cache holds. Where a namespace
    is closed, only staff are members.
    """
    namespace = current_namespace()
    if namespace is None or not user.is_authenticated or is_sentinel(user.pk):
        return None
    states = (State.ACTIVE, *STAFF_ONLY) if user.is_staff else (State.ACTIVE,)
    return Membership.objects.filter(
        user_id=user.pk, namespace_id=namespace.pk, namespace__state__in=states
    ).first()


def user_of_token(secret: str) -> User | None:
    """Return the active user that a token stands for on this host, or None.

    A token of the public host is good for staff, and only for as long as they are.
    """
    namespace = current_namespace()
    wanted: dict[str, Any] = {"namespace_id__isnull": True, "user__is_staff": True}
    if namespace is not None:
        wanted = {"namespace_id": namespace.pk}
    tokens = Token.objects.select_related("user").filter(digest=Token.digest_of(secret), user__is_active=True)
    token: Any = tokens.filter(**wanted).first()
    return None if token is None else token.user
