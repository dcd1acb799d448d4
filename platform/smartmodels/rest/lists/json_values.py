"""How PostgreSQL writes one value as JSON: the bytes that Django REST framework would have written.

Only kinds of values are understood that both write alike. Floats are not among them: of the shortest
texts that are read as the same number, the two sometimes choose different ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models
from rest_framework import serializers
from rest_framework.settings import api_settings

from smartmodels.rest.fields import RowField
from smartmodels.rest.lists.compiling import Column

__all__ = ["Writer", "writer_of"]

Writer = Callable[[str], str]
"""Takes SQL of a column, returns SQL of its JSON: text, never null."""


def _escaped(column: str) -> str:
    return f"coalesce(to_json({column})::text, 'null')"


def _bare(column: str) -> str:
    return f"coalesce({column}::text, 'null')"


def _quoted(column: str) -> str:
    return f"""coalesce('"' || {column}::text || '"', 'null')"""


def _moment(column: str) -> str:
    written = f"""to_char({column} AT TIME ZONE 'UTC', '"\\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\\""')"""
    return f"coalesce(replace({written}, '.000000Z', 'Z'), 'null')"


_BY_COLUMN: tuple[tuple[type[Any], Writer], ...] = (
    (models.UUIDField, _quoted),
    (models.IntegerField, _bare),
    (models.CharField, _escaped),
    (models.TextField, _escaped),
)


def _reference(field: Any, stored: Any) -> Writer | None:
    target = stored.target_field
    as_key = field.pk_field is None or (
        type(field.pk_field) is serializers.UUIDField and field.pk_field.uuid_format == "hex_verbose"
    )
    if not as_key or (field.pk_field is not None and not isinstance(target, models.UUIDField)):
        return None
    return next((writer for kind, writer in _BY_COLUMN if isinstance(target, kind)), None)


def _choice(field: Any, stored: Any) -> Writer | None:
    for kind, plain, writer in ((models.IntegerField, int, _bare), (models.CharField, str, _escaped)):
        if isinstance(stored, kind):
            same = all(type(key) is plain for key in field.choice_strings_to_values.values())
            return writer if same else None
    return None


def _decimal(field: Any, stored: Any) -> Writer | None:
    as_stored = (
        isinstance(stored, models.DecimalField)
        and getattr(field, "coerce_to_string", api_settings.COERCE_DECIMAL_TO_STRING)
        and not field.localize
        and not field.normalize_output
        and (field.max_digits, field.decimal_places) == (stored.max_digits, stored.decimal_places)
    )
    return _quoted if as_stored else None


def _datetime(field: Any, stored: Any) -> Writer | None:
    as_utc = (
        isinstance(stored, models.DateTimeField)
        and getattr(field, "format", api_settings.DATETIME_FORMAT) == "iso-8601"
        and not hasattr(field, "timezone")
    )
    return _moment if as_utc else None


def _date(field: Any, stored: Any) -> Writer | None:
    plain = isinstance(stored, models.DateField) and not isinstance(stored, models.DateTimeField)
    return _escaped if plain and getattr(field, "format", api_settings.DATE_FORMAT) == "iso-8601" else None


def _uuid(field: Any, stored: Any) -> Writer | None:
    return _quoted if isinstance(stored, models.UUIDField) and field.uuid_format == "hex_verbose" else None


def _if_stored_as(writer: Writer, *kinds: type[Any]) -> Callable[[Any, Any], Writer | None]:
    return lambda _field, stored: writer if isinstance(stored, kinds) else None


_text = _if_stored_as(_escaped, models.CharField, models.TextField)

_WRITERS: dict[type[Any], Callable[[Any, Any], Writer | None]] = {
    serializers.CharField: _text,
    serializers.EmailField: _text,
    serializers.SlugField: _text,
    serializers.URLField: _text,
    serializers.IntegerField: _if_stored_as(_bare, models.IntegerField),
    serializers.BooleanField: _if_stored_as(_bare, models.BooleanField),
    serializers.ChoiceField: _choice,
    serializers.DecimalField: _decimal,
    serializers.DateTimeField: _datetime,
    serializers.DateField: _date,
    serializers.UUIDField: _uuid,
    serializers.PrimaryKeyRelatedField: _reference,
    RowField: _reference,
}


def writer_of(column: Column) -> Writer | None:
    """Return what writes the values of a stored column; None if PostgreSQL might write them otherwise."""
    find = _WRITERS.get(type(column.field))
    if find is None or hasattr(column.stored, "from_db_value"):
        return None
    return find(column.field, column.stored)
