"""Accounts: people who may be members of several namespaces, their sessions and their API tokens.

An account is never deleted, since rows and histories name it: it is closed, and later anonymised
(shared_apps/namespaces/closing).
"""

from __future__ import annotations

import hashlib
import secrets
from importlib import import_module
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models.functions import Lower, Now
from uuid_utils.compat import uuid7

from smartmodels.exceptions import AccountKept
from smartmodels.ownership import is_sentinel, refuse_sentinel
from smartmodels.tenancy.keys import AbstractApiKey
from smartmodels.tenancy.rates import AbstractRateCount

__all__ = ["ApiKey", "RateCount", "Session", "Token", "User"]


def new_key() -> Any:
    """Return a new primary key: a UUIDv7."""
    return uuid7()


def _refuse_deletion() -> NoReturn:
    raise AccountKept(
        "Accounts are not deleted, since rows and histories name them: "
        "close the account, with close_account() or `manage.py account close`."
    )


class UserQuerySet(models.QuerySet["User"]):
    """Accounts."""

    def delete(self) -> NoReturn:
        """Refuse: raises AccountKept."""
        _refuse_deletion()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class UserManager(BaseUserManager["User"]):
    """Accounts by e-mail address, compared without regard to case."""

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an account; without a password it cannot log in until one is set."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a staff account that may do everything on the public host."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the account of an e-mail address."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing] # of an app of the extra
    """A person's account. What they may do in a namespace is their membership's role there."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(
        default=False, help_text="May use the public host: provision namespaces and run reports."
    )
    joined_at = models.DateTimeField(db_default=Now(), editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    anonymised_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_folded")
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the account; raise SentinelProtected for the sentinel's."""
        if not self._state.adding:
            refuse_sentinel(self.pk, "be changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: raises AccountKept, or SentinelProtected for the sentinel."""
        refuse_sentinel(self.pk, "be deleted")
        _refuse_deletion()

    @property
    def is_person(self) -> bool:
        """Tell whether somebody may act as this account: it is neither closed nor the sentinel's."""
        return bool(self.is_active) and self.closed_at is None and not is_sentinel(self.pk)


class Session(AbstractBaseSession):
    """A login, bound to the host's namespace it was made in; ``namespace`` is None on the public host."""

    user_id = models.UUIDField(null=True, db_index=True)
    namespace_id = models.UUIDField(null=True, db_index=True)

    objects: ClassVar[Any] = BaseSessionManager()

    @classmethod
    def get_session_store_class(cls) -> Any:
        """Return the store that ``SESSION_ENGINE`` names."""
        return import_module(settings.SESSION_ENGINE).SessionStore


class Token(models.Model):
    """An API token of one user in one namespace, None for the public host; only its digest is kept."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    namespace_id = models.UUIDField(null=True, db_index=True)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"token {self.pk}"

    @staticmethod
    def digest_of(secret: str) -> bytes:
        """Return what is stored of a secret; 32 random bytes need no salt and no stretching."""
        return hashlib.sha256(secret.encode()).digest()

    @classmethod
    def issue(cls, user: User, namespace_id: Any) -> tuple[Token, str]:
        """Make a token; return it with the secret, which cannot be read again.

        Raises SentinelProtected for the sentinel and OwnerClosed for a closed account.
        """
        refuse_sentinel(user.pk, "have a token")
        secret = secrets.token_urlsafe(32)
        return cls.objects.create(user=user, namespace_id=namespace_id, digest=cls.digest_of(secret)), secret


class ApiKey(AbstractApiKey):
    """A key of a namespace. It ends with the membership that backs it, and is not revived by a new one."""

    membership = models.ForeignKey(
        "namespaces.Membership", null=True, on_delete=models.SET_NULL, related_name="api_keys"
    )

    class Meta(AbstractApiKey.Meta):
        verbose_name = "API key"


class RateCount(AbstractRateCount):
    """How often somebody asked lately."""

    class Meta(AbstractRateCount.Meta):
        pass
