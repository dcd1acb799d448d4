"""``manage.py create_domain``: django-tenants' command, refused."""

from __future__ import annotations

from smartmodels.management.replaced import ReplacedCommand

__all__ = ["Command"]


class Command(ReplacedCommand):
    """Names what gives a namespace a host of its own."""

    instead = "namespace domain add"
