"""Which models live in every namespace's schema and which in the public one."""

from __future__ import annotations

from functools import cache

from django.apps import apps
from django.conf import settings
from django.core.signals import setting_changed
from django.db.models import Model

__all__ = ["is_tenant_model", "tenant_labels", "tenant_models"]


@cache
def tenant_labels() -> frozenset[str]:
    """Return the labels of the apps whose tables stand in every namespace's schema."""
    return frozenset(config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS)


def is_tenant_model(model: type[Model]) -> bool:
    """Tell whether ``model`` (or its state in a migration) lives in the namespaces' schemas."""
    return model._meta.app_label in tenant_labels()


def tenant_models() -> list[type[Model]]:
    """Return every tenant model with a table of its own, history models included."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if is_tenant_model(model) and model._meta.managed and not model._meta.proxy
    ]


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("TENANT_APPS", "INSTALLED_APPS"):
        tenant_labels.cache_clear()


setting_changed.connect(_forget, dispatch_uid="smartmodels.tenancy.placement")
