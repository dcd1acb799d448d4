"""The concrete namespace, its hosts and its members."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from smartmodels.tenancy.migrating.models import (
    AbstractMigrationOutcome,
    AbstractMigrationRun,
    AbstractSchemaState,
)
from smartmodels.tenancy.models import (
    AbstractDomain,
    AbstractHeldHost,
    AbstractMembership,
    AbstractNamespace,
)
from smartmodels.tenancy.spares import AbstractSpare
from smartmodels.tenancy.template.models import AbstractSchemaTemplate

__all__ = [
    "Domain",
    "Handover",
    "HeldHost",
    "Membership",
    "MigrationOutcome",
    "MigrationRun",
    "Namespace",
    "SchemaState",
    "SchemaTemplate",
    "Spare",
    "Work",
]


class Namespace(AbstractNamespace):
    """A tenant. Provision one with ``manage.py namespace create`` or ``POST /api/v1/namespaces/``."""

    class Meta(AbstractNamespace.Meta):
        permissions: ClassVar[list[tuple[str, str]]] = [("provision_namespace", "Can provision namespaces")]


class Domain(AbstractDomain):
    """A host of a namespace."""


class Membership(AbstractMembership):
    """A member of a namespace and their role."""

    class Meta(AbstractMembership.Meta):
        pass


class Work(models.TextChoices):
    """What is to be done in each namespace for an account: hand over, take back, anonymise."""

    HAND_OVER = "hand_over"
    TAKE_BACK = "take_back"
    ANONYMISE = "anonymise"


class Handover(models.Model):
    """What is left to do, or was done, for a closed or restored account in one namespace.

    All of an account belong to one operation. ``rows`` counts what is done so far; ``role`` and
    ``joined_at`` are those of the membership that the closing ended.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="handovers")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="handovers")
    work = models.CharField(max_length=10, choices=Work.choices, default=Work.HAND_OVER)
    operation_id = models.UUIDField(null=True, editable=False)
    rows = models.PositiveBigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    role = models.CharField(max_length=10, blank=True, default="")
    joined_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "namespace"], name="namespaces_one_handover")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["user"], condition=models.Q(finished_at__isnull=True), name="namespaces_handover_left"
            )
        ]

    def __str__(self) -> str:
        return f"{self.work} {self.user_id} in {self.namespace_id}"


class SchemaTemplate(AbstractSchemaTemplate):
    """What one state of the migrations makes of an empty schema."""

    class Meta(AbstractSchemaTemplate.Meta):
        pass


class HeldHost(AbstractHeldHost):
    """A host that was removed and is held for a time."""


class SchemaState(AbstractSchemaState):
    """Which migrations a schema has."""

    class Meta(AbstractSchemaState.Meta):
        pass


class MigrationRun(AbstractMigrationRun):
    """A run of ``manage.py namespace migrate``, ``migrate`` or ``POST /api/v1/migration-runs/``."""

    class Meta(AbstractMigrationRun.Meta):
        pass


class MigrationOutcome(AbstractMigrationOutcome):
    """What came of one migration in one namespace."""

    run = models.ForeignKey(MigrationRun, on_delete=models.CASCADE, related_name="outcomes")

    class Meta(AbstractMigrationOutcome.Meta):
        pass


class Spare(AbstractSpare):
    """A schema that is ready for the next namespace."""

    class Meta(AbstractSpare.Meta):
        pass
