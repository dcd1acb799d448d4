"""What an API key of a namespace is: ``smk_<prefix>_<secret>``, of which only a digest is kept.

The prefix names the key in lists and logs. The secret is 32 random characters (190 bits) and six that check
all before them, so that scanners find leaked keys without mistakes and what cannot be a key costs no look
into the database. 190 random bits need neither salt nor stretching.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from datetime import datetime
from string import ascii_letters, ascii_lowercase, digits
from typing import Any, ClassVar

from django.conf import settings as django_settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from smartmodels.tenancy.models import Role, get_namespace_model, new_key

__all__ = ["MARK", "AbstractApiKey", "KeyRole", "get_api_key_model", "new_secret", "prefix_of"]

MARK = "smk_"
"""How every key begins: what scanners look for."""

_ALPHABET = digits + ascii_letters
_FORM = re.compile(r"smk_([0-9a-z]{8})_[0-9A-Za-z]{38}", re.ASCII)
_CHECKED = 6


class KeyRole(models.TextChoices):
    """The roles that a key may have: no program owns a namespace."""

    ADMIN = Role.ADMIN.value
    MEMBER = Role.MEMBER.value
    VIEWER = Role.VIEWER.value


def _check_of(text: str) -> str:
    """Return six characters that follow from the text (CRC-32, to the base of 62)."""
    number, found = zlib.crc32(text.encode("ascii")), ""
    for _ in range(_CHECKED):
        number, place = divmod(number, len(_ALPHABET))
        found += _ALPHABET[place]
    return found


def new_secret() -> tuple[str, str]:
    """Return the prefix of a new key, and the key."""
    prefix = "".join(secrets.choice(digits + ascii_lowercase) for _ in range(8))
    begun = f"{MARK}{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(32))
    return prefix, begun + _check_of(begun)


def prefix_of(secret: str) -> str | None:
    """Return the prefix of what may be a key, or None for what cannot be one."""
    found = _FORM.fullmatch(secret)
    if found is None or _check_of(secret[:-_CHECKED]) != secret[-_CHECKED:]:
        return None
    return found[1]


class AbstractApiKey(models.Model):
    """A key by which a program acts in one namespace, on the account of who made it.

    It may do what its ``role`` allows, what the maker's role allows now and what its ``scopes`` allow, and
    nothing else. The concrete class adds ``membership``, which backs it: without one it is dead for good.
    """

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    namespace = models.ForeignKey(
        django_settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    maker = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    role = models.CharField(max_length=10, choices=KeyRole.choices)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    replaced_by = models.OneToOneField(
        "self", null=True, on_delete=models.SET_NULL, related_name="replaces", editable=False
    )

    class Meta:
        abstract = True
        ordering: ClassVar[tuple[str, ...]] = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.name} ({MARK}{self.prefix})"

    @staticmethod
    def digest_of(secret: str) -> bytes:
        """Return what is stored of a key."""
        return hashlib.sha256(secret.encode("ascii")).digest()

    @classmethod
    def end_logins(cls, namespace: Any, user: Any = None) -> int:
        """Revoke the keys of a namespace, of one maker or of all; return how many."""
        keys = get_api_key_model().objects.filter(namespace_id=namespace.pk, revoked_at=None)
        of_user = keys if user is None else keys.filter(maker_id=user.pk)
        return int(of_user.update(revoked_at=timezone.now()))

    def opens_with(self, secret: str) -> bool:
        """Tell whether this is the key, in a time that says nothing about it."""
        return hmac.compare_digest(bytes(self.digest), self.digest_of(secret))

    def state_at(self, moment: datetime) -> str:
        """Return what the key is at a moment: ``active``, ``replaced``, ``expired``, ``revoked``.

        A replaced one is good until it expires; one whose maker is no member any more is revoked.
        """
        row: Any = self  # the concrete class has a membership
        if self.revoked_at is not None or row.membership_id is None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= moment:
            return "expired"
        return "active" if row.replaced_by_id is None else "replaced"


def get_api_key_model() -> Any:
    """Return the concrete model of keys: the one that points at the namespace as ``api_keys``."""
    return get_namespace_model()._meta.get_field("api_keys").related_model
