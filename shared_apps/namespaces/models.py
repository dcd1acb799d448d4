"""The concrete namespace, its hosts and its members."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from smartmodels.tenancy.models import AbstractDomain, AbstractMembership, AbstractNamespace

__all__ = ["Domain", "Handover", "Membership", "Namespace"]


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


class Handover(models.Model):
    """What is left to do, or was done, for a closed account in one namespace: hand its rows over."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="handovers")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="handovers")
    rows = models.PositiveIntegerField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "namespace"], name="namespaces_one_handover")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.namespace_id}"
