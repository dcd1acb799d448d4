"""What an INSERT has to name: not the columns that are null in every row, often a quarter of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connection, models

__all__ = ["needed_fields"]

_PLAIN = frozenset(
    field.pre_save for field in (models.Field, models.DateField, models.DateTimeField, models.TimeField)
)
"""How fields come by the value to save that take it from the row as it is."""


@cache
def _omissible(model: type[models.Model]) -> frozenset[str]:
    """Return the columns that are null when they are not named.

    Not those to which Django gives a value while saving, and not those whose null is stored as something
    else.
    """
    return frozenset(
        field.attname
        for field in model._meta.concrete_fields
        if field.null
        and field.db_default is models.NOT_PROVIDED
        and not getattr(field, "auto_now", False)
        and not getattr(field, "auto_now_add", False)
        and type(field).pre_save in _PLAIN
        and field.get_db_prep_save(None, connection) is None
    )


def needed_fields(model: type[models.Model], fields: Iterable[Any], rows: Sequence[Any]) -> list[Any]:
    """Return those of ``fields`` that are not null in every row, and those that have to be named anyway."""
    absent = set(_omissible(model))
    for row in rows:
        # What is not loaded yet is not null: Django loads it while saving.
        absent.difference_update([name for name in absent if row.__dict__.get(name, row) is not None])
    return [field for field in fields if field.attname not in absent]
