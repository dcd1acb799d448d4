"""Serializer fields of our own."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, UUIDField
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from smartmodels.context import require_namespace

__all__ = ["HomeField", "RowField", "ShapedField", "points_at_uuid"]


class ShapedField(serializers.CharField):
    """Text of which documents say the shape; what has another is refused by its rule, in the rule's words."""

    def __init__(self, *, shape: str, **kwargs: Any) -> None:
        """``shape`` is the regular expression (ECMA-262) of what the rule accepts."""
        self.shape = shape
        super().__init__(**kwargs)


class RowField(serializers.PrimaryKeyRelatedField[Any]):
    """A reference to a row by its key, looked up among what is visible in the caller's namespace alone."""

    default_error_messages = {  # noqa: RUF012 - DRF's way to declare them
        "does_not_exist": "No such row is visible in this namespace.",
        "incorrect_type": "The key of a row is needed, a UUID.",
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("pk_field", serializers.UUIDField())
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the row; anything but the text of a UUID is refused before it reaches the database."""
        if not isinstance(data, str):
            self.fail("incorrect_type", data_type=type(data).__name__)
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "examples": ["acme"]})
class HomeField(serializers.ReadOnlyField):
    """The slug of the namespace a row lives in: another one's for a row that is shared with this one."""

    def get_attribute(self, instance: Any) -> Any:
        """Return the home; a row that does not say is at home here."""
        return getattr(instance, "home", None) or require_namespace().slug


def points_at_uuid(model: type[Model]) -> bool:
    """Tell whether rows of ``model`` are known by a UUID."""
    return isinstance(model._meta.pk, UUIDField)
