"""Who is asking, and as what, in the namespace that is bound."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils import timezone

from shared_apps.accounts.models import ApiKey, Token, User
from shared_apps.namespaces.models import Membership
from smartmodels.context import Actor, current_namespace, public_scope
from smartmodels.ownership import is_sentinel
from smartmodels.tenancy.keys import MARK, prefix_of
from smartmodels.tenancy.life.states import STAFF_ONLY
from smartmodels.tenancy.models import Role, State

__all__ = [
    "Identity",
    "identity_of_secret",
    "identity_of_user",
    "lesser",
    "membership_of",
    "read_secrets",
    "user_of_token",
]

_USE_NOTED_EVERY = timedelta(minutes=1)
_NARROWER = (Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.OWNER)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, how that is known (``token``, ``session``, ``key``, ``oauth``), and as what.

    ``scopes`` are those of a program, None for a person. ``principal`` names who is counted: a user, a
    key, an application. ``used`` is called when the answer is sent. ``staff`` holds for people of the
    staff, members here or not.
    """

    user: Any
    by: str | None = None
    membership: Any = None
    actor: Actor = Actor.anonymous()  # noqa: RUF009 - it is immutable
    scopes: frozenset[str] | None = None
    principal: str | None = None
    used: Callable[[], None] | None = None
    staff: bool = False


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


def identity_of_user(user: Any, by: str | None) -> Identity:
    """Return the identity of a person; who is no member of the bound namespace is nobody there."""
    if not user.is_authenticated:
        # Who shows a token that is none is told so.
        return Identity(user, by if by == "token" else None)
    membership, staff = membership_of(user), user.is_active and user.is_staff
    if membership is None and current_namespace() is not None:
        return Identity(AnonymousUser(), staff=staff)
    return Identity(user, by, membership, Actor.user(user), principal=f"user:{user.pk}", staff=staff)


def identity_of_secret(secret: str, *, programs: bool) -> Identity:
    """Return who shows this secret: a person's token, or where ``programs`` may ask a key of the namespace.

    Nobody, with ``by`` "token", when it is not (any more) good on this host.
    """
    reader = _readers.get(secret[: len(MARK)])
    if reader is None:
        return identity_of_user(user_of_token(secret) or AnonymousUser(), "token")
    return (programs and reader(secret)) or Identity(AnonymousUser(), "token")


def read_secrets(mark: str, reader: Callable[[str], Identity | None]) -> None:
    """Let ``reader`` say who a program is whose secret begins with the four characters of ``mark``."""
    _readers[mark] = reader


# Keys


def lesser(one: str, other: str) -> Role:
    """Return the role that may do less."""
    return min(Role(one), Role(other), key=_NARROWER.index)


def _identity_of_key(secret: str) -> Identity | None:
    """Return the identity of a key, all of it found by one statement."""
    prefix, namespace = prefix_of(secret), current_namespace()
    if prefix is None or namespace is None:
        return None
    now = timezone.now()
    rows = ApiKey.objects.select_related("membership__user").filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        prefix=prefix,
        namespace_id=namespace.pk,
        namespace__state=State.ACTIVE,
        revoked_at=None,
        membership__namespace_id=namespace.pk,
        membership__user__is_active=True,
    )
    key = rows.first()
    if key is None or key.membership is None or not key.opens_with(secret):
        return None
    membership: Any = copy(key.membership)
    membership.role = lesser(key.role, membership.role)
    return Identity(
        membership.user,
        "key",
        membership,
        Actor.api_key(str(key), membership.user_id),
        frozenset(key.scopes),
        f"key:{prefix}",
        _noting_use(key, now),
    )


def _noting_use(key: ApiKey, now: Any) -> Callable[[], None] | None:
    """Return what writes down that the key is used, if that was not done within the last minute."""
    if key.last_used_at is not None and key.last_used_at > now - _USE_NOTED_EVERY:
        return None

    def note() -> None:
        # Of many that are at it in this moment, one writes.
        unsaid = Q(last_used_at=None) | Q(last_used_at__lte=now - _USE_NOTED_EVERY)
        with public_scope():
            ApiKey.objects.filter(unsaid, pk=key.pk).update(last_used_at=now)

    return note


_readers: dict[str, Callable[[str], Identity | None]] = {MARK: _identity_of_key}
