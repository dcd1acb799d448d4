"""``manage.py delete_tenant``: django-tenants' command, refused."""

from __future__ import annotations

from smartmodels.management.replaced import ReplacedCommand

__all__ = ["Command"]


class Command(ReplacedCommand):
    """Names what deletes a namespace, with a way back."""

    instead = "namespace delete"
