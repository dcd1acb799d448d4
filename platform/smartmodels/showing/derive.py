"""What an admin shows of a model when nobody said: its columns, what is searched, its filters."""

from __future__ import annotations

from typing import Any

from django.db import models

from smartmodels.models import SmartModel

__all__ = ["columns", "filters", "foreign_keys", "search_fields"]

_COLUMNS = 5
_TEXT = (models.CharField, models.TextField)


def _own_fields(model: type[models.Model]) -> list[Any]:
    """Return the fields that people edit, in the order of the model."""
    return [field for field in model._meta.concrete_fields if field.editable and not field.primary_key]


def _texts(model: type[models.Model]) -> list[str]:
    return [
        field.name for field in _own_fields(model) if isinstance(field, _TEXT) and not field.choices
    ]  # fmt: skip


def foreign_keys(model: type[models.Model]) -> list[Any]:
    """Return the editable foreign keys to other smart models."""
    return [
        field
        for field in _own_fields(model)
        if field.is_relation and issubclass(field.remote_field.model, SmartModel)
    ]


def columns(model: type[models.Model]) -> tuple[str, ...]:
    """Return the columns of a list: the first short fields, or the row's name if it has none."""
    short = [field.name for field in _own_fields(model) if not isinstance(field, models.TextField)]
    return tuple(short[:_COLUMNS]) or ("__str__",)


def search_fields(model: type[models.Model]) -> tuple[str, ...]:
    """Return what a search looks into: the texts of the row, and the first text of what it belongs to."""
    above = [
        f"{field.name}__{text}"
        for field in foreign_keys(model)
        for text in _texts(field.remote_field.model)[:1]
    ]
    return (*_texts(model), *above)


def filters(model: type[models.Model]) -> tuple[str, ...]:
    """Return the filters beside a list: choices, yes or no, and when the row changed."""
    few = [
        field.name
        for field in _own_fields(model)
        if (field.choices and not field.is_relation) or isinstance(field, models.BooleanField)
    ]
    return (*few, "updated_at")
