"""``manage.py create_tenant``: django-tenants' command, refused."""

from __future__ import annotations

from smartmodels.management.replaced import ReplacedCommand

__all__ = ["Command"]


class Command(ReplacedCommand):
    """Names what makes a namespace with its owner."""

    instead = "namespace create"
