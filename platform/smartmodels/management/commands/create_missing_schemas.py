"""``manage.py create_missing_schemas``: django-tenants' command, refused."""

from __future__ import annotations

from smartmodels.management.replaced import ReplacedCommand

__all__ = ["Command"]


class Command(ReplacedCommand):
    """Names what finishes a half-made namespace."""

    instead = "namespace resume"
