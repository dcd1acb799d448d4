"""What JSON a field takes: said in the OpenAPI document, and asked of bodies before anything is converted.

DRF reads a number where a text is meant, "yes" where a truth is, and a text where a number is. Here a value
has the type that the document says; there are no bodies of forms, which know texts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

__all__ = ["BLANK_OR_TEXT", "TEXT", "described", "mistyped", "mistyped_in"]

BLANK_OR_TEXT = r"^[^\x00]*$"
"""Any text that PostgreSQL can hold."""

TEXT = r"^[^\x00]*[^\x00\s\x1c-\x1f\x85][^\x00]*$"
"""One that is more than white space, which is cut off."""

Test = Callable[[Any], bool]


def _is_text(given: Any) -> bool:
    return isinstance(given, str)


def _is_truth(given: Any) -> bool:
    return isinstance(given, bool)


def _is_number(given: Any) -> bool:
    return isinstance(given, (int, float)) and not isinstance(given, bool)


def _is_whole(given: Any) -> bool:
    return _is_number(given) and given == given // 1


def _is_exact(given: Any) -> bool:
    return _is_text(given) or _is_number(given)


_TESTS: tuple[tuple[Any, Test, str], ...] = (
    (serializers.BooleanField, _is_truth, "true or false is needed."),
    (serializers.IntegerField, _is_whole, "A whole number is needed, without quotes."),
    (serializers.FloatField, _is_number, "A number is needed, without quotes."),
    (serializers.DecimalField, _is_exact, "A number is needed, in quotes or without."),
    (
        (
            serializers.CharField, serializers.UUIDField, serializers.DateTimeField, serializers.DateField,
            serializers.TimeField, serializers.DurationField,
        ),
        _is_text,
        "A text is needed, in quotes.",
    ),
)  # fmt: skip


def _of_wrong_type(wanted: str) -> ErrorDetail:
    message = f"The JSON value is of another type. {wanted}"
    return ErrorDetail(message, code="wrong-type")


def mistyped(field: Any, given: Any) -> Any:
    """Return what is wrong with the JSON type of a value, by index where it is a list; None if nothing is.

    A text is as long as it is sent: white space that is cut off counts.
    """
    if given is None:
        return None
    if isinstance(field, serializers.ListField) and isinstance(given, list):
        found = {index: mistyped(field.child, each) for index, each in enumerate(given)}
        return {index: wrong for index, wrong in found.items() if wrong} or None
    for kinds, is_right, message in _TESTS:
        if isinstance(field, kinds):
            return _too_long(field, given) if is_right(given) else [_of_wrong_type(message)]
    return None


def _too_long(field: Any, given: Any) -> list[ErrorDetail] | None:
    most = getattr(field, "max_length", None)
    if most is None or not isinstance(given, str) or len(given) <= most:
        return None
    return [ErrorDetail(field.error_messages["max_length"].format(max_length=most), code="max_length")]


def mistyped_in(fields: Mapping[Any, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is wrong with the JSON types of the values that a row gives, by field."""
    given = ((name, mistyped(fields[name], data[name])) for name in data if name in fields)
    return {name: wrong for name, wrong in given if wrong}


def described(field: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field in a request, saying what of its type is not taken."""
    if isinstance(field, serializers.DecimalField):
        return _decimal(field, schema)
    if not isinstance(field, serializers.CharField) or {"format", "pattern", "enum"} & schema.keys():
        return schema
    return {**schema, "pattern": BLANK_OR_TEXT if field.allow_blank else TEXT}


def _decimal(field: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """Describe a decimal: a text, which keeps its digits, or a number."""
    bounds: dict[str, Any] = {name: schema[name] for name in schema if name in {"minimum", "maximum"}}
    whole, places = field.max_whole_digits, field.decimal_places
    if whole is None or places is None:
        return schema
    sign = "" if field.min_value is not None and field.min_value >= 0 else "-?"
    most = 10**whole - 1
    bounds = {"minimum": -most if sign else 0, "maximum": most} | bounds
    text = rf"^{sign}[0-9]{{1,{whole or 1}}}" + (rf"(\.[0-9]{{1,{places}}})?$" if places else "$")
    rest: dict[str, Any] = {name: schema[name] for name in schema if name in {"description", "default"}}
    return {**rest, "anyOf": [{"type": "string", "pattern": text}, {"type": "number", **bounds}]}
