"""What a serializer does with a row, as data: which column, under which name, written how.

A serializer is understood when nothing in it could do something else: the classes of Django REST framework
themselves, plain columns of the row. Anything else is left to the serializer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute
from rest_framework import serializers

from smartmodels.rest.fields import RowField, ToldField

__all__ = ["Column", "columns_of_class", "compiled", "is_fixed"]

_REFERENCES = (serializers.PrimaryKeyRelatedField, RowField)
_MODULES = ("rest_framework.fields", "rest_framework.serializers")
_OTHERWISE = (serializers.FileField, serializers.SerializerMethodField, serializers.HiddenField)
_AS_STORED = (DeferredAttribute, ForeignKeyDeferredAttribute)
_WRITING = ("to_representation", "_readable_fields", "data", "many_init")
_KNOWN = ("rest_framework.", "smartmodels.rest.serializing", "typing")
_HARMLESS = frozenset(
    {"Meta", "_declared_fields", "create", "update", "save", "to_internal_value", "__module__", "__doc__",
     "__qualname__", "__annotations__", "__firstlineno__", "__static_attributes__", "__parameters__",
     "__orig_bases__"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One member of the answer: its name, the field that writes it, and the model's field it is stored in.

    ``stored`` is None for what a row says beside its columns (``ToldField``). ``write`` makes the value that
    is answered of one that is not null; None leaves it as it is.
    """

    name: str
    field: Any
    stored: Any
    write: Callable[[Any], Any] | None


def _is_plain(kind: type[Any]) -> bool:
    """Tell whether serializers of this class write rows as Django REST framework does."""
    own = serializers.ModelSerializer
    return issubclass(kind, own) and all(_origin(kind, name) is _origin(own, name) for name in _WRITING)


def is_fixed(kind: type[Any]) -> bool:
    """Tell whether all serializers of this class have the same fields, whoever asks."""
    return all(
        name in _HARMLESS or name.startswith("validate")
        for each in kind.__mro__
        if not each.__module__.startswith(_KNOWN) and each is not object
        for name in vars(each)
    )


def _origin(kind: type[Any], name: str) -> Any:
    return next(each.__dict__[name] for each in kind.__mro__ if name in each.__dict__)


@cache
def columns_of_class(kind: type[Any], model: Any) -> tuple[Column, ...] | None:
    """Return what :func:`compiled` says of every serializer of a class that :func:`is_fixed`."""
    return compiled(kind(), model)


def compiled(serializer: Any, model: Any) -> tuple[Column, ...] | None:
    """Return the columns of a serializer of one row of ``model``; None if it is not understood."""
    many = getattr(getattr(type(serializer), "Meta", None), "list_serializer_class", None)
    if many is not None or not _is_plain(type(serializer)):
        return None
    columns = []
    for field in serializer._readable_fields:
        column = _column(field, model)
        if column is None:
            return None
        columns.append(column)
    return tuple(columns)


def _column(field: Any, model: Any) -> Column | None:
    kind = type(field)
    if issubclass(kind, ToldField):
        return Column(field.field_name, field, None, None)
    stored = _stored(field, model)
    if stored is None:
        return None
    if kind in _REFERENCES:
        write = None if field.pk_field is None else field.pk_field.to_representation
        return Column(field.field_name, field, stored, write)
    if stored.is_relation or kind.__module__ not in _MODULES or isinstance(field, _OTHERWISE):
        return None
    if isinstance(field, serializers.BaseSerializer) or not _reads_attribute(kind):
        return None
    return Column(field.field_name, field, stored, field.to_representation)


def _reads_attribute(kind: type[Any]) -> bool:
    """Tell whether fields of this class write the attribute, and not the row."""
    return _origin(kind, "get_attribute") is _origin(serializers.Field, "get_attribute")


def _stored(field: Any, model: Any) -> Any | None:
    """Return the field of the model that holds what the serializer's field reads, if it is a plain one."""
    if len(field.source_attrs) != 1:
        return None
    try:
        stored = model._meta.get_field(field.source)
    except FieldDoesNotExist:
        return None
    if not stored.concrete or stored.many_to_many:
        return None
    # Anything but Django's own descriptor may show something else than what is stored.
    return stored if type(getattr(model, stored.attname, None)) in _AS_STORED else None
