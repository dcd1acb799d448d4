"""``manage.py clone_tenant``: django-tenants' command, refused."""

from __future__ import annotations

from smartmodels.management.replaced import ReplacedCommand

__all__ = ["Command"]


class Command(ReplacedCommand):
    """Names what copies a namespace."""

    instead = "namespace clone"
