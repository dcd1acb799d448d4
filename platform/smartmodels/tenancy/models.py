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
    "AbstractHeldHost",
    "AbstractMembership",
    "AbstractNamespace",
    "HostState",
    "Role",
    "State",
    "get_domain_model",
    "get_held_host_model",
    "get_membership_model",
    "get_namespace_model",
    "new_key",
]


def new_key() -> Any:
    """Return a new primary key: a UUIDv7, which sorts by time of creation (RFC 9562)."""
    return uuid7()


class State(models.TextChoices):
    """Where a namespace is in its life; smartmodels/tenancy/life/states.py says what may follow what."""

    RESERVED = "reserved"
    CREATING = "creating"
    LOADING = "loading"  # its rows are coming from elsewhere: nobody may finish it without them
    ACTIVE = "active"
    MAINTENANCE = "maintenance"
    SUSPENDED = "suspended"
    ARCHIVED = "archived"
    DELETED = "deleted"
    DELETING = "deleting"
    FAILED = "failed"


class HostState(models.TextChoices):
    """What a host does: waits for the proof that it is theirs, is served, or leads to the primary one."""

    PENDING = "pending"
    SERVED = "served"
    REDIRECT = "redirect"


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
    """A tenant: one schema, its hosts, its members. Made by the provisioning service, never by ``save()``.

    ``notice`` and ``back_at`` are what people are told during maintenance. A deleted namespace can be
    brought back, as ``state_before``, until ``purge_after``.
    """

    auto_create_schema = False
    auto_drop_schema = False
    is_behind = False
    """Whether the schema lacks a migration that says ``requires_current``; known of what routing found."""

    has_tables = False
    """Whether the schema was a spare a moment ago, and so has all its tables."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    slug = models.CharField(max_length=31, unique=True)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=State.choices, default=State.RESERVED)
    step = models.CharField(max_length=20, blank=True, default="")
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    activated_at = models.DateTimeField(null=True, editable=False)
    notice = models.CharField(max_length=500, blank=True, default="")
    back_at = models.DateTimeField(null=True, editable=False)
    state_before = models.CharField(max_length=12, blank=True, default="", editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    purge_after = models.DateTimeField(null=True, editable=False)
    cors_origins = models.JSONField(default=list, db_default=[], editable=False)
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
    """A host of a namespace. ``proof`` is what the TXT record of a pending one must say."""

    state = models.CharField(max_length=10, choices=HostState.choices, default=HostState.SERVED,
                             db_default=HostState.SERVED, editable=False)  # fmt: skip
    proof = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    added_at = models.DateTimeField(db_default=Now(), editable=False)
    verified_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True


class AbstractHeldHost(models.Model):
    """A host that was removed, held for the namespace that had it: nobody else gets it before ``until``.

    It outlives its namespace, so it refers to that by value.
    """

    outlives_namespace = True

    host = models.CharField(max_length=253, unique=True)
    namespace_id = models.UUIDField(editable=False)
    until = models.DateTimeField(editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.host


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
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="%(app_label)s_membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.namespace}"


def get_namespace_model() -> Any:
    """Return the concrete namespace model (``SMARTMODELS_NAMESPACE_MODEL``)."""
    return apps.get_model(settings().NAMESPACE_MODEL)


def get_domain_model() -> Any:
    """Return the concrete domain model (django-tenants' ``TENANT_DOMAIN_MODEL``)."""
    return apps.get_model(django_settings.TENANT_DOMAIN_MODEL)


def get_held_host_model() -> Any:
    """Return the concrete model of held hosts: ``HeldHost`` of the app that holds the domains."""
    return apps.get_model(get_domain_model()._meta.app_label, "HeldHost")


def get_membership_model() -> Any:
    """Return the concrete membership model: the one that points at the namespace as ``memberships``."""
    return get_namespace_model()._meta.get_field("memberships").related_model
