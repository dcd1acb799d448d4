"""What the caller may change through this API, model by model: the same rules as one by one."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from smartmodels.rest.access.scoping import within_scope
from smartmodels.rest.permissions import OwnerPermission
from smartmodels.rest.registry import registered
from smartmodels.rest.reverting import writable_fields

__all__ = ["Rights"]


class Rights:
    """The rights of a request: only what has an endpoint can be changed, by whoever could change it there.

    Of what is only read, programs are asked for the scope of the ``action`` read.
    """

    def __init__(self, request: Any, action: str = "write") -> None:
        self._request, self._action = request, action
        self._writable: dict[Any, frozenset[str]] = {}

    @cached_property
    def _views(self) -> dict[Any, Any]:
        views = {}
        for path, viewset in registered().items():
            if not within_scope(self._request, path, self._action):
                continue
            view = viewset(request=self._request, format_kwarg=None, action="retrieve", kwargs={})
            views[view.model._meta.concrete_model] = view
        return views

    @property
    def models(self) -> tuple[Any, ...]:
        """Return the models that have an endpoint."""
        return tuple(self._views)

    def may(self, model: Any, row: Any) -> bool:
        """Tell whether the caller may change a row, also one that is deleted or purged."""
        view = self._views.get(model)
        return view is not None and OwnerPermission().has_object_permission(self._request, view, row)

    def writable(self, model: Any) -> frozenset[str]:
        """Return the fields of a model that its endpoint lets be written."""
        if model not in self._writable:
            view = self._views.get(model)
            self._writable[model] = frozenset() if view is None else writable_fields(view)
        return self._writable[model]

    def shown(self, model: Any) -> frozenset[str]:
        """Return the fields of a model that its endpoint shows, and its state."""
        fields = self._views[model].get_serializer().fields.values()
        return frozenset({"state", *(str(field.source) for field in fields)})
