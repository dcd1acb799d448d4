"""``manage.py rename_schema``: django-tenants' command, refused."""

from __future__ import annotations

from smartmodels.management.replaced import ReplacedCommand

__all__ = ["Command"]


class Command(ReplacedCommand):
    """Names what gives a namespace another name."""

    instead = "namespace rename"
