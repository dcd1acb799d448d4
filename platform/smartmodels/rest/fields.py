"""Serializer fields of our own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import Model, UUIDField
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from smartmodels.context import require_namespace

__all__ = [
    "TOLD",
    "HomeField",
    "NamedField",
    "RoleField",
    "RowField",
    "ShapedField",
    "SharedField",
    "ToldField",
    "UploadField",
    "UploadedImageField",
    "as_told_of",
    "points_at_uuid",
]


class ShapedField(serializers.CharField):
    """Text of which documents say the shape; what has another is refused by its rule, in the rule's words."""

    def __init__(self, *, shape: str, **kwargs: Any) -> None:
        """``shape`` is the regular expression (ECMA-262) of what the rule accepts."""
        self.shape = shape
        super().__init__(**kwargs)


class NamedField(serializers.CharField):
    """Text that is one of some names, which are known when all apps are; others are refused by their rule.

    ``names`` returns them; ``shape``, with a place for them, is the pattern where text is more than a name.
    """

    def __init__(self, *, names: Callable[[], Iterable[str]], shape: str = "^({})$", **kwargs: Any) -> None:
        self.names, self.shape = names, shape
        super().__init__(**kwargs)

    def describe(self, schema: Any) -> dict[str, Any]:
        """Return the schema of the field."""
        names = "|".join(re.escape(name).replace(r"\-", "-") for name in sorted(self.names()))
        about = {"description": str(self.help_text)} if self.help_text else {}
        return {"type": "string", "pattern": self.shape.format(names), **about}


_NO_FILE: dict[str, Any] = {
    "invalid": "A file cannot be sent as JSON: upload it in the admin, or on a page of the app.",
}


class _OfHome(serializers.FileField):
    """Says, of a file of a row that another namespace shares, whose file is meant."""

    def to_representation(self, value: Any) -> Any:
        """Return the address of the file; that of another namespace is asked for as its."""
        shown = super().to_representation(value)
        row: Any = getattr(value, "instance", None)
        is_address = shown and shown != value.name
        if not is_address or not getattr(row, "is_shared", False):
            return shown
        return f"{shown}?{urlencode({'home': row.home})}"


class UploadField(_OfHome):
    """An uploaded file, by the address where members get it."""

    default_error_messages: ClassVar[dict[str, Any]] = _NO_FILE


class UploadedImageField(_OfHome, serializers.ImageField):
    """An uploaded image, by the address where members get it."""

    default_error_messages: ClassVar[dict[str, Any]] = _NO_FILE


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


class ToldField(serializers.ReadOnlyField):
    """What is said of a row that is in none of its columns, but under the name ``told`` beside them."""

    told = ""
    kind = "text"

    def usual(self) -> Any:
        """Return what holds of rows that do not say: those of the bound namespace."""
        return None

    def get_attribute(self, instance: Any) -> Any:
        """Return what the row says, or what is usual."""
        said = getattr(instance, self.told, None)
        return self.usual() if said is None else said


@extend_schema_field({"type": "string", "examples": ["acme"]})
class HomeField(ToldField):
    """The slug of the namespace a row lives in: another one's for a row that is shared with this one."""

    told = "home"

    def usual(self) -> str:
        """Return the bound namespace."""
        slug: str = require_namespace().slug
        return slug


@extend_schema_field({"type": ["string", "null"], "examples": ["view"]})
class RoleField(ToldField):
    """What this namespace may do with a row that is shared with it; null for its own."""

    told = "granted_role"


@extend_schema_field({"type": "boolean"})
class SharedField(ToldField):
    """Whether a row is another namespace's, which shares it with this one."""

    told, kind = "is_shared", "boolean"

    def usual(self) -> bool:
        """Return that it is not."""
        return False


def as_told_of(row: Any, version: Any) -> Any:
    """Return a version of a row, saying beside its columns what the row says."""
    for name in (field.told for field in TOLD.values()):
        if hasattr(row, name):
            setattr(version, name, getattr(row, name))
    return version


TOLD: dict[str, type[ToldField]] = {"home": HomeField, "role": RoleField, "shared": SharedField}
"""What every resource says of itself, where its model has no field of that name."""


def points_at_uuid(model: type[Model]) -> bool:
    """Tell whether rows of ``model`` are known by a UUID."""
    return isinstance(model._meta.pk, UUIDField)
