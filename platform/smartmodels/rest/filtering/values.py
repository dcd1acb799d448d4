"""Values of a filter as their columns hold them: JSON and texts of a query string read alike."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models

from smartmodels.rest.filtering.errors import Unreadable
from smartmodels.rest.parsing import is_storable

__all__ = ["Gap", "Reader", "read_boolean", "read_text", "reader_of"]

Reader = Callable[[Any], Any]
"""Turns a value of the filter into one of the column, or a :class:`Gap`; raises Unreadable."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,6})?\Z", re.ASCII)
_YEAR = re.compile(r"\d{4}\Z", re.ASCII)
_MONTH = re.compile(r"\d{4}-\d{2}\Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 100
_DIGITS = 60
"""Digits before and behind the point that a decimal may have; columns have fewer."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A value that the column cannot hold: equal to none of it, greater than ``below`` and what is less.

    ``below`` is None where everything that the column can hold is greater.
    """

    below: Any = None


def read_text(given: Any) -> str:
    """Return the text; numbers and booleans as JSON writes them."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, float) and given.is_integer() and abs(given) < 1e21:
        return str(int(given))
    if isinstance(given, (int, float)):
        return str(given)
    if not isinstance(given, str):
        raise Unreadable("expected a string")
    if not is_storable(given):
        raise Unreadable("NUL and unpaired surrogates cannot be searched for")
    return given


def read_boolean(given: Any) -> bool:
    """Return the truth of true, false, 1, 0 or the same as a text."""
    if isinstance(given, (bool, int, float)) and given in (0, 1):
        return bool(given)
    if isinstance(given, str) and given in ("true", "false", "1", "0"):
        return given in ("true", "1")
    raise Unreadable("expected a boolean")


def _number(given: Any) -> Decimal:
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        raise Unreadable("expected a number")
    if isinstance(given, str) and not _NUMBER.match(given.strip()):
        raise Unreadable("expected a number")
    return Decimal(repr(given) if isinstance(given, float) else str(given).strip())


def _integer_reader(field: Any) -> Reader:
    least, most = connection.ops.integer_field_range(field.get_internal_type())

    def read(given: Any) -> Any:
        number = _number(given)
        if number > most:
            return Gap(most)
        if number < least:
            return Gap()
        whole = math.floor(number)
        return whole if whole == number else Gap(whole)

    return read


def _read_float(given: Any) -> Any:
    number = float(_number(given))
    if math.isinf(number):
        return Gap(float.fromhex("0x1.fffffffffffffp+1023")) if number > 0 else Gap()
    return number


def _read_decimal(given: Any) -> Any:
    number = _number(given)
    if not number.is_finite() or (number and number.adjusted() > _DIGITS):
        return Gap(Decimal(10) ** _DIGITS) if number > 0 else Gap()
    return round(number, _DIGITS) if number.as_tuple().exponent < -_DIGITS else number  # type: ignore[operator]


def _time(given: Any) -> datetime:
    """Return the time in UTC: ISO 8601, without an offset in UTC, or milliseconds since 1970."""
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        raise Unreadable("expected a date")
    text = str(given).strip()
    try:
        if not isinstance(given, str) or (_NUMBER.match(text) and not _YEAR.match(text)):
            return _EPOCH + timedelta(milliseconds=float(text))
        if _YEAR.match(text) or _MONTH.match(text):
            text = f"{text}-01-01"[:10]
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"invalid date {text[:_SHOWN]!r}") from error


def _read_date(given: Any) -> Any:
    found = _time(given)
    return found.date() if found.time() == time() else Gap(found.date())


def _read_uuid(given: Any) -> uuid.UUID:
    try:
        return uuid.UUID(given)
    except (AttributeError, TypeError, ValueError) as error:
        raise Unreadable("expected a UUID") from error


def _python_reader(field: Any) -> Reader:
    """Return the reader of a column without a rule of its own: texts as its model field reads them."""

    def read(given: Any) -> Any:
        try:
            return field.to_python(read_text(given))
        except (ValidationError, ValueError, OverflowError) as error:
            raise Unreadable(f"invalid value {given[:_SHOWN]!r}") from error

    return read


_READERS: tuple[tuple[type[Any], Reader], ...] = (
    (models.BooleanField, read_boolean),
    (models.FloatField, _read_float),
    (models.DecimalField, _read_decimal),
    (models.DateTimeField, _time),
    (models.DateField, _read_date),
    (models.UUIDField, _read_uuid),
    (models.CharField, read_text),
    (models.TextField, read_text),
    (models.FileField, read_text),
)


def reader_of(field: Any) -> Reader:
    """Return what reads values for a column."""
    if isinstance(field, models.IntegerField):
        return _integer_reader(field)
    return next((read for kind, read in _READERS if isinstance(field, kind)), None) or _python_reader(field)
