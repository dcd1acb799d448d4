"""Serializer fields of our own."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, UUIDField
from rest_framework import serializers

__all__ = ["RowField", "points_at_uuid"]


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


def points_at_uuid(model: type[Model]) -> bool:
    """Tell whether rows of ``model`` are known by a UUID."""
    return isinstance(model._meta.pk, UUIDField)
