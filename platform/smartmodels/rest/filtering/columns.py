"""What of a model a filter may name: the readable fields of its serializer that are stored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from rest_framework import serializers

from smartmodels.rest.filtering.errors import Unreadable
from smartmodels.rest.filtering.values import Reader, reader_of

__all__ = ["Column", "columns_of", "joined_of", "readable_of"]

_TEXTS = (models.CharField, models.TextField, models.FileField)
_OWN_WAY = (serializers.RelatedField, serializers.UUIDField, serializers.IntegerField, serializers.CharField)


@dataclass(frozen=True, slots=True)
class Column:
    """An exposed field: its name in the API, the lookup that leads to it, and how its values are read."""

    name: str
    source: str
    field: Any
    read: Reader
    shown: Any

    @property
    def is_text(self) -> bool:
        """Tell whether it holds a text."""
        return isinstance(self.field, _TEXTS)

    @property
    def is_comparable(self) -> bool:
        """Tell whether values can be given for it; else it can be asked only whether there is one."""
        return not isinstance(self.field, (models.JSONField, models.BinaryField))


def readable_of(serializer_class: Any) -> tuple[str, ...]:
    """Return the names of the fields that are shown."""
    return tuple(_readable(serializer_class))


@cache
def _readable(serializer_class: Any) -> dict[str, Any]:
    return {name: field for name, field in serializer_class().fields.items() if not field.write_only}


@cache
def columns_of(serializer_class: Any, model: Any) -> dict[str, Column]:
    """Return the columns that a filter may name, by their names in the API."""
    found = (_column(model, name, field) for name, field in _readable(serializer_class).items())
    return {column.name: column for column in found if column is not None}


def _column(model: Any, name: str, shown: Any) -> Column | None:
    if hasattr(shown, "child_relation") or not shown.source or shown.source == "*":
        return None
    steps = [*shown.source.split("."), *getattr(shown, "slug_field", "").split("__")]
    resolved = _resolved(model, [step for step in steps if step])
    if resolved is None:
        return None
    source, field, own = resolved
    read = _shown_reader(shown) if own.is_relation and not isinstance(shown, _OWN_WAY) else reader_of(field)
    return Column(name, source, field, read, shown)


def _resolved(model: Any, steps: list[str]) -> tuple[str, Any, Any] | None:
    """Return lookup, column and named field of a way over keys to one; None if it leads to no column."""
    names, field = [], None
    for step in steps:
        if field is not None:
            model = field.related_model
        try:
            field = None if model is None else model._meta.get_field(step)
        except FieldDoesNotExist:
            return None
        if field is None or not getattr(field, "concrete", False) or field.many_to_many:
            return None
        names.append(field.name)
    own = field
    while field is not None and field.is_relation:
        field = field.target_field
        names.append(field.name)
    return ("__".join(names), field, own) if field is not None else None


def _shown_reader(shown: Any) -> Reader:
    """Return the reader of a field that writes references in a way of its own."""

    def read(given: Any) -> Any:
        try:
            found = shown.to_internal_value(given)
        except serializers.ValidationError as error:
            raise Unreadable("no such value") from error
        return getattr(found, "pk", found)

    return read


@cache
def joined_of(serializer_class: Any, model: Any) -> tuple[str, ...]:
    """Return the keys that rows are shown by values of: to be joined, so that none is asked for alone."""
    ways = []
    for name, field in _readable(serializer_class).items():
        if name not in columns_of(serializer_class, model):
            continue
        steps = field.source.split(".")
        ways.append(steps if getattr(field, "slug_field", None) else steps[:-1])
    return tuple(dict.fromkeys("__".join(way) for way in ways if way))
