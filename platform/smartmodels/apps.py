"""Django app configuration."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings as django_settings

from smartmodels.conf import settings

__all__ = ["SmartModelsConfig"]


class SmartModelsConfig(AppConfig):
    """The library: commands, templates and checks; it has no tables."""

    name = "smartmodels"
    verbose_name = "Smart models"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # django-tenants, whose models are loaded after this, reads its own spelling only.
        if not hasattr(django_settings, "TENANT_MODEL"):
            django_settings.TENANT_MODEL = settings().NAMESPACE_MODEL

    def ready(self) -> None:
        """Register the system checks."""
        from smartmodels import checks  # noqa: F401, PLC0415 - they look at models, which are loaded by now
