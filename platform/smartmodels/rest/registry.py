"""Which models have an API: what apps register, found in every app's ``viewsets`` module."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules
from django.utils.text import slugify

from smartmodels.models import SmartModel
from smartmodels.rest.resources import SmartViewSet
from smartmodels.rest.serializing import derive_serializer
from smartmodels.rest.served import extensions, registered, viewsets

__all__ = ["discover", "extend", "register", "registered"]

V = TypeVar("V", bound=type[SmartViewSet])
M = TypeVar("M", bound=type[Any])


def register(model: type[SmartModel], *, path: str | None = None) -> Callable[[V], V]:
    """Serve a model at ``/api/v1/<path>/`` of every namespace.

    ``path`` is by default the model's plural name. The serializer is derived from the model unless the
    class names a ``serializer_class``, or the ``fields`` it shows::

        @register(Study)
        class StudyViewSet(ResourceViewSet):
            pass

    Raises ImproperlyConfigured when another model has the path.
    """

    def decorate(viewset: V) -> V:
        """Take the viewset up under its path."""
        plural = path or slugify(str(model._meta.verbose_name_plural))
        taken = viewsets.get(plural)
        if taken is not None and taken.model is not model:
            raise ImproperlyConfigured(
                f"{model._meta.label} and {taken.model._meta.label} both want /api/v1/{plural}/: "
                "give one of them a path, @register(Model, path=...)."
            )
        viewset.model = model
        undecorated: Any = viewset
        if undecorated.serializer_class is None:
            undecorated.serializer_class = derive_serializer(model, viewset.fields)
        viewsets[plural] = viewset
        return viewset

    return decorate


def extend(base: type[SmartViewSet]) -> Callable[[M], M]:
    """Mix a class into every registered viewset of kind ``base``, to give all of them further actions.

    So an app adds ``/api/v1/<any resource>/{id}/<action>/`` without knowing the other apps.
    """

    def decorate(mixin: M) -> M:
        extensions.append((base, mixin))
        return mixin

    return decorate


@cache
def discover() -> None:
    """Import the ``viewsets`` module of every app that has one; once is enough."""
    autodiscover_modules("viewsets")
