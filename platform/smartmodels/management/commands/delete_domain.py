"""``manage.py delete_domain``: django-tenants' command, refused."""

from __future__ import annotations

from smartmodels.management.replaced import ReplacedCommand

__all__ = ["Command"]


class Command(ReplacedCommand):
    """Names what takes a host away."""

    instead = "namespace domain remove"
