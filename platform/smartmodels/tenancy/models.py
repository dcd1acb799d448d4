"""Abstract models of a namespace, its hosts and its members; the shared apps make them concrete."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings as django_settings
from django.db import models
from django.db.models.functions import Now
from django_tenants.models import DomainMixin, TenantMixin
from uuid_utils.compat import uuid7

from smartmodels.conf import settings

__all__ = [
    "AbstractDomain",
    "AbstractMembership",
    "AbstractNamespace",
    "Role",
    "State",
    "get_domain_model",
    "get_membership_model",
    "get_namespace_model",
    "new_key",
]


def new_key() -> Any:
    """Return a new primary key: a UUIDv7, which sorts by time of creation (RFC 9562)."""
    return uuid7()


class State(models.TextChoices):
    """Where a namespace is in its life."""

    RESERVED = "reserved"
    CREATING = "creating"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ARCHIVED = "archived"
    DELETING = "deleting"
    FAILED = "failed"


class Role(models.TextChoices):
    """What a member may do: a viewer reads, a member writes, an admin manages, an owner owns."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    @property
    def writes(self) -> bool:
        """Tell whether the role may change rows."""
        return self is not Role.VIEWER

    @property
    def manages(self) -> bool:
        """Tell whether the role may manage members, sharing and other people's rows."""
        return self in (Role.OWNER, Role.ADMIN)


class AbstractNamespace(TenantMixin):
    """A tenant: one schema, its hosts, its members. Made by the provisioning service, never by ``save()``."""

    auto_create_schema = False
    auto_drop_schema = False
    has_tables = False  # Not stored: set where the schema was a spare a moment ago.

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    slug = models.CharField(max_length=31, unique=True)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RESERVED)
    step = models.CharField(max_length=20, blank=True, default="")
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    activated_at = models.DateTimeField(null=True, editable=False)
    request_key = models.CharField(max_length=100, null=True, unique=True, editable=False)  # noqa: DJ001
    request_digest = models.CharField(max_length=64, blank=True, default="", editable=False)

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def is_active(self) -> bool:
        """Tell whether the namespace is served."""
        return self.state == State.ACTIVE


class AbstractDomain(DomainMixin):
    """A host on which a namespace is served."""

    class Meta:
        abstract = True


class AbstractMembership(models.Model):
    """A user's role in a namespace."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    namespace = models.ForeignKey(
        django_settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["namespace", "user"], name="%(app_label)s_one_membership_per_user"
            )
        ]


def get_namespace_model() -> Any:
    """Return the concrete namespace model (``SMARTMODELS_NAMESPACE_MODEL``)."""
    return apps.get_model(settings().NAMESPACE_MODEL)


def get_domain_model() -> Any:
    """Return the concrete domain model (django-tenants' ``TENANT_DOMAIN_MODEL``)."""
    return apps.get_model(django_settings.TENANT_DOMAIN_MODEL)


def get_membership_model() -> Any:
    """Return the concrete membership model: the one that points at the namespace as ``memberships``."""
    return get_namespace_model()._meta.get_field("memberships").related_model
