"""The concrete namespace, its hosts and its members."""

from __future__ import annotations

from typing import ClassVar

from smartmodels.tenancy.models import AbstractDomain, AbstractMembership, AbstractNamespace

__all__ = ["Domain", "Membership", "Namespace"]


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
