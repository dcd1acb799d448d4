"""The API keys of a namespace: made, replaced and revoked by its managers, each on record.

A key stands on the membership of who made it: it is never worth more than that is, and ends with it. What it
makes belongs to the maker, and histories name the key. Keys neither make nor replace keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from smartmodels.conf import settings
from smartmodels.context import public_scope
from smartmodels.exceptions import InvalidInput, NotPermitted
from smartmodels.tenancy.audit import Record, audited
from smartmodels.tenancy.errors import KeyNotFound, KeyRefused
from smartmodels.tenancy.keys import KeyRole, get_api_key_model, new_secret
from smartmodels.tenancy.life.states import lock, require_state
from smartmodels.tenancy.models import Role, get_membership_model
from smartmodels.tenancy.scopes import known_scopes

__all__ = ["find_key", "keys_of", "make_key", "revoke_key", "rotate_key"]

_RANK = {role: rank for rank, role in enumerate((Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.OWNER))}
_LONGEST = timedelta(days=366 * 10)


def keys_of(namespace: Any) -> Any:
    """Return the keys of a namespace, the newest first, the dead ones included."""
    return get_api_key_model().objects.select_related("maker").filter(namespace=namespace)


def find_key(namespace: Any, prefix: str) -> Any:
    """Return the key of a prefix, written with or without ``smk_``. Raises KeyNotFound."""
    known = prefix.removeprefix("smk_").partition("_")[0]
    with public_scope():
        found = keys_of(namespace).filter(prefix=known).first() if "\x00" not in known else None
    if found is None:
        raise KeyNotFound(f"{namespace.slug} has no such key: see `namespace key list {namespace.slug}`.")
    return found


def _manager(namespace: Any, maker: Any) -> Any:
    """Return the maker's membership, locked, if it manages the namespace."""
    rows = get_membership_model().objects.select_for_update().filter(namespace=namespace, user=maker)
    membership = rows.first()
    if membership is None or not Role(membership.role).manages or not maker.is_active:
        raise NotPermitted("Keys are for the owners and admins of a namespace: ask one of them.")
    return membership


def _checked_name(name: str) -> str:
    text = name.strip()
    if not 0 < len(text) <= 100 or not text.isprintable():
        raise InvalidInput("A key has a name of at most 100 printable characters.", field="name")
    return text


def _checked_role(role: str, membership: Any) -> Role:
    if role not in KeyRole.values:
        raise InvalidInput(
            f"{role[:20]!a} is no role of a key: one of {', '.join(KeyRole.values)}.", field="role"
        )
    if _RANK[Role(role)] > _RANK[Role(membership.role)]:
        raise NotPermitted(f"Your role is {membership.role}: a key of yours cannot be more.")
    return Role(role)


def _checked_end(expires_at: datetime | None) -> datetime | None:
    now = timezone.now()
    if expires_at is not None and not now < expires_at <= now + _LONGEST:
        raise InvalidInput("A key expires in the future, in at most ten years.", field="expires_at")
    return expires_at


def _require_room(namespace: Any) -> None:
    most = settings().KEYS_PER_NAMESPACE
    alive = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
    if keys_of(namespace).filter(alive).count() >= most:
        raise KeyRefused(f"{namespace.slug} has {most} keys: revoke one that nobody uses.")


def _store(record: Record, **columns: Any) -> tuple[Any, str]:
    prefix, secret = new_secret()
    model = get_api_key_model()
    key = model.objects.create(**columns, prefix=prefix, digest=model.digest_of(secret))
    key.refresh_from_db(fields=["created_at"])
    record.note(key=prefix, role=str(key.role), scopes=key.scopes)
    return key, secret


def make_key(  # noqa: PLR0913 - every argument is named
    namespace: Any,
    maker: Any,
    *,
    name: str,
    scopes: Iterable[str],
    role: str = Role.MEMBER,
    expires_at: datetime | None = None,
) -> tuple[Any, str]:
    """Make a key; return it with the secret, which cannot be read again.

    Raises NotPermitted unless the maker manages the namespace and has as much as the role; InvalidInput;
    KeyRefused when there are ``SMARTMODELS_KEYS_PER_NAMESPACE`` already; NamespaceStateRefused.
    """
    with audited("key-make", namespace, subject_id=maker.pk) as record:
        locked = lock(namespace)
        require_state(locked, "key")
        membership = _manager(locked, maker)
        _require_room(locked)
        return _store(
            record, namespace=locked, maker=maker, membership=membership, name=_checked_name(name),
            role=_checked_role(role, membership), scopes=known_scopes(scopes),
            expires_at=_checked_end(expires_at),
        )  # fmt: skip


def _locked(namespace: Any, key: Any) -> Any:
    found = get_api_key_model().objects.select_for_update().filter(namespace=namespace, pk=key.pk).first()
    if found is None:
        raise KeyNotFound(f"{namespace.slug} has no such key any more.")
    return found


def rotate_key(namespace: Any, key: Any, maker: Any, *, overlap: timedelta) -> tuple[Any, str]:
    """Replace a key by a new one with the same rights; return that with its secret.

    The old one stays good for ``overlap`` (nothing to 30 days), though never longer than it was. Only who
    made a key replaces it, since the new one acts for them. However many do it at the same moment, one
    new key comes of it. Raises KeyNotFound, KeyRefused for a key that is dead or replaced already,
    NotPermitted, InvalidInput and NamespaceStateRefused.
    """
    with audited("key-rotate", namespace, subject_id=key.maker_id) as record:
        if not timedelta() <= overlap <= timedelta(days=30):
            raise InvalidInput("Both keys are good for 0 to 720 hours.", field="overlap_hours")
        locked = lock(namespace)
        require_state(locked, "key")
        old = _locked(locked, key)
        if old.maker_id != maker.pk:
            raise NotPermitted("Only who made a key replaces it: revoke it, and make one of your own.")
        membership, state = _manager(locked, maker), old.state_at(timezone.now())
        if state != "active":
            raise KeyRefused(f"The key {old.prefix} is {state}: make a new one.", state=state)
        role = min(Role(old.role), Role(membership.role), key=_RANK.__getitem__)
        new, secret = _store(
            record, namespace=locked, maker=maker, membership=membership, name=old.name, role=role,
            scopes=old.scopes, expires_at=old.expires_at,
        )  # fmt: skip
        ends = timezone.now() + overlap
        old.expires_at = ends if old.expires_at is None else min(ends, old.expires_at)
        old.replaced_by = new
        old.save(update_fields=["expires_at", "replaced_by"])
        record.note(replaces=old.prefix)
        return new, secret


def revoke_key(namespace: Any, key: Any) -> Any:
    """End a key from the next request on, and only it; repeating it changes nothing. Raises KeyNotFound."""
    with audited("key-revoke", namespace, subject_id=key.maker_id, key=key.prefix) as record:
        found = _locked(lock(namespace), key)
        if found.revoked_at is None:
            found.revoked_at = timezone.now()
            found.save(update_fields=["revoked_at"])
        else:
            record.unchanged()
        return found
