"""Django app configuration."""

from django.apps import AppConfig

__all__ = ["SmartModelsConfig"]


class SmartModelsConfig(AppConfig):
    """The library: commands, templates and checks; it has no tables."""

    name = "smartmodels"
    verbose_name = "Smart models"
