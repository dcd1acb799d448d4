"""Resource: a smart model whose rows may be visible in several namespaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.apps import apps

from smartmodels.exceptions import InvalidInput
from smartmodels.models.smart import SmartAliveManager, SmartModel
from smartmodels.sharing import (
    ResourceNamespaces,
    inherit_grants,
    inherits_grants,
    visible_parts,
    visible_rows,
)

__all__ = ["Resource", "resource_model"]


class ResourceManager(SmartAliveManager):
    """Living rows of the namespace; :meth:`visible` also those that others share with it."""

    def visible(self, scope: str = "all") -> Any:
        """Return the rows that the bound namespace sees: its own and those shared with it.

        One queryset to filter, order, aggregate and make frames of, which only reads where rows of others
        are among them. Rows say ``home``, ``is_shared`` and ``granted_role``. ``scope`` is ``all``, ``own``
        or ``shared``. Raises InvalidInput where more homes share rows than one statement may touch.
        """
        return visible_rows(self._whole(), scope)

    def visible_parts(self, scope: str = "all") -> list[Any]:
        """Return :meth:`visible` as several querysets: as many as it takes for however many homes."""
        return visible_parts(self._whole(), scope)

    def _whole(self) -> Any:
        if getattr(self, "instance", None) is not None:
            raise InvalidInput(
                f"visible() starts from all rows: {self.model.__name__}.objects.visible().filter(...)."
            )
        return self.model


class Resource(SmartModel):
    """A smart model that can be shared with other namespaces, by consent (DESIGN S1)."""

    objects: ClassVar[Any] = ResourceManager()

    class Meta(SmartModel.Meta):
        abstract = True

    @classmethod
    def created(cls, rows: Sequence[Any]) -> None:
        """Make new rows visible where what they belong to is, and where their creator belongs."""
        if rows:
            inherit_grants(rows)

    @classmethod
    def brings_about(cls) -> bool:
        """Tell whether new rows may inherit grants, or their model says what else follows from them."""
        return cls.created.__func__ is not Resource.created.__func__ or inherits_grants(cls)  # type: ignore[attr-defined]

    @property
    def namespaces(self) -> ResourceNamespaces:
        """Return the namespaces in which the row is visible: ``row.namespaces.add(other)`` shares it."""
        return ResourceNamespaces(self)


def resource_labels() -> list[str]:
    """Return the kinds of resources that there are, each as ``app.model``."""
    return sorted(m._meta.label_lower for m in apps.get_models() if issubclass(m, Resource))


def resource_model(label: str) -> type[Resource]:
    """Return the model that a label such as ``research.study`` names; raise InvalidInput for no resource."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        model = None
    if model is None or not issubclass(model, Resource):
        raise InvalidInput(
            f"{label[:100]!r} is no kind of resource: name one as app.model, such as research.study.",
            field="resource_type",
        )
    return model
