"""What of a change may be told: the models that have an endpoint, and the rows and fields it shows."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any, Protocol

from smartmodels.rest.access.scoping import within_scope
from smartmodels.rest.registry import discover, registered

__all__ = ["CallerExposure", "Exposure", "FullExposure"]


class Exposure(Protocol):
    """What somebody may be told."""

    @property
    def models(self) -> tuple[Any, ...]:
        """The models that are told of."""

    def path(self, model: Any) -> str:
        """The path of the model's endpoint."""

    def names(self, model: Any) -> dict[str, str]:
        """What the fields that the endpoint shows are called there, by the name in the model."""

    def hidden(self, model: Any, keys: Collection[Any]) -> set[Any]:
        """The keys among these of rows that are not shown; a row that is gone for good is not hidden."""


class FullExposure:
    """All rows of every model that has an endpoint, as managers of the namespace see them."""

    def __init__(self) -> None:
        discover()  # in a worker nobody has mounted the endpoints

    @cached_property
    def _viewsets(self) -> dict[Any, tuple[str, Any]]:
        found = registered().items()
        return {viewset.model._meta.concrete_model: (path, viewset) for path, viewset in found}

    @property
    def models(self) -> tuple[Any, ...]:
        """Return the models that have an endpoint."""
        return tuple(self._viewsets)

    def path(self, model: Any) -> str:
        """Return the path of the model's endpoint."""
        return self._viewsets[model][0]

    def names(self, model: Any) -> dict[str, str]:
        """Return the names of the fields that the endpoint shows, by the name in the model."""
        fields = self._viewsets[model][1].serializer_class().fields
        return {str(field.source): name for name, field in fields.items() if not field.write_only}

    def hidden(self, model: Any, keys: Collection[Any]) -> set[Any]:
        """Return no key: versions of rows of others are left out by history itself, in private mode."""
        return set()


class CallerExposure(FullExposure):
    """What the endpoints show to whoever makes a request."""

    def __init__(self, request: Any) -> None:
        super().__init__()
        self._request = request
        self._names: dict[Any, dict[str, str]] = {}

    @property
    def models(self) -> tuple[Any, ...]:
        """Return the models that have an endpoint which the caller, if a program, may read."""
        return tuple(
            model for model in self._viewsets if within_scope(self._request, self.path(model), "read")
        )

    def _view(self, model: Any) -> Any:
        view: Any = self._viewsets[model][1](
            request=self._request, format_kwarg=None, action="history", kwargs={}
        )
        view.life = "all"
        return view

    def names(self, model: Any) -> dict[str, str]:
        """Return the names of the fields that the endpoint shows to the caller."""
        if model not in self._names:
            fields = self._view(model).get_serializer().fields
            self._names[model] = {
                str(field.source): name for name, field in fields.items() if not field.write_only
            }
        return self._names[model]

    def hidden(self, model: Any, keys: Collection[Any]) -> set[Any]:
        """Return the keys of rows that are there and that the endpoint would not find."""
        shown = set(self._view(model).get_queryset().filter(pk__in=keys).values_list("pk", flat=True))
        left = set(keys) - shown
        return set(model.all_objects.filter(pk__in=left).values_list("pk", flat=True)) if left else left
