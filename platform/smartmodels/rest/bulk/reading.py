"""Read the values of many rows as the serializer reads those of one; equal values are read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError as ModelValidationError
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import SkipField, empty, get_error_detail

from smartmodels.rest.bulk.items import Item
from smartmodels.rest.fields import RowField
from smartmodels.rest.shapes import mistyped

__all__ = ["read_items", "reads_by_itself"]

Reader = Callable[[Any], Any]

_REMEMBERED = (str, int, float, bool, type(None))
_BY_KEY = (RowField.to_internal_value, serializers.PrimaryKeyRelatedField.to_internal_value)


def reads_by_itself(serializer: Any) -> bool:
    """Tell whether a serializer has a way of its own to read a row, which is then asked row by row."""
    from_itself = ("to_internal_value", "run_validation")
    own = any(
        name in vars(each) for each in type(serializer).__mro__ if not _is_ours(each) for name in from_itself
    )
    return own or any(
        field.source == "*" or len(field.source_attrs) != 1 for field in serializer._writable_fields
    )


def _is_ours(each: type) -> bool:
    return each.__module__.startswith(("rest_framework.", "smartmodels.rest.")) or each is object


# References to other rows, looked up together


def _is_looked_up(field: Any) -> bool:
    return isinstance(field, serializers.PrimaryKeyRelatedField) and (
        type(field).to_internal_value in _BY_KEY and type(field).get_queryset in _QUERYSETS
    )


_QUERYSETS = (serializers.RelatedField.get_queryset, serializers.PrimaryKeyRelatedField.get_queryset)


def _key_of(field: Any, given: Any) -> Any:
    """Return the key that a reference names; raise ValidationError as the field itself would."""
    if isinstance(field, RowField) and not isinstance(given, str):
        field.fail("incorrect_type", data_type=type(given).__name__)
    if field.pk_field is not None:
        return field.pk_field.to_internal_value(given)
    if isinstance(given, bool) or not isinstance(given, (int, str)):
        field.fail("incorrect_type", data_type=type(given).__name__)
    try:
        return field.get_queryset().model._meta.pk.to_python(given)
    except ModelValidationError:
        field.fail("incorrect_type", data_type=type(given).__name__)


def _found(field: Any, wanted: Iterable[Any]) -> dict[Any, Any]:
    """Return the rows that are referred to, by key, read in one query."""
    keys = set()
    for given in {each for each in wanted if isinstance(each, (str, int))}:
        try:
            keys.add(_key_of(field, given))
        except ValidationError:
            continue
    queryset = field.get_queryset()
    return dict(queryset.in_bulk(keys)) if keys else {}


def _reference(field: Any, wanted: Iterable[Any]) -> Reader:
    rows = _found(field, wanted)
    known: dict[str, Any] = {}

    def read(given: Any) -> Any:
        if isinstance(given, str) and given in known:
            return known[given]
        if given is None or given == "":
            return field.run_validation(given)
        key = _key_of(field, given)
        if key not in rows:
            field.fail("does_not_exist", pk_value=key)
        if isinstance(given, str):
            known[given] = rows[key]
        return rows[key]

    return read


def _references(field: Any, wanted: Iterable[Any]) -> Reader:
    """Return the reader of a field that refers to several rows."""
    child = field.child_relation
    one = _reference(child, (key for keys in wanted if isinstance(keys, list) for key in keys))

    def read(given: Any) -> Any:
        if not isinstance(given, list) or not given:
            return field.run_validation(given)
        return [one(key) for key in given]

    return read


# Plain values


def _plain(field: Any) -> Reader:
    """Return the reader of a field, which is asked once for equal values where it is one of DRF's own."""
    if not type(field).__module__.startswith("rest_framework."):
        return lambda given: _typed(field, given)
    known: dict[Any, Any] = {}

    def read(given: Any) -> Any:
        if not isinstance(given, _REMEMBERED):
            return _typed(field, given)
        key = (given.__class__, given)
        if key not in known:
            known[key] = _typed(field, given)
        return known[key]

    return read


def _typed(field: Any, given: Any) -> Any:
    """Return the value of a field; raise ValidationError, also where JSON of another type is given."""
    if wrong := mistyped(field, given):
        raise ValidationError(wrong)
    return field.run_validation(given)


def _values(items: Iterable[Item], name: str) -> list[Any]:
    return [item.data[name] for item in items if name in item.data]


def _readers(serializer: Any, items: Sequence[Item]) -> dict[str, tuple[Any, Reader]]:
    found = {}
    for field in serializer._writable_fields:
        name = field.field_name
        if _is_looked_up(field):
            reader = _reference(field, _values(items, name))
        elif isinstance(field, serializers.ManyRelatedField) and _is_looked_up(field.child_relation):
            reader = _references(field, _values(items, name))
        else:
            reader = _plain(field)
        own = getattr(serializer, f"validate_{name}", None)
        found[name] = (field, reader if own is None else _then(reader, own))
    return found


def _then(first: Reader, second: Reader) -> Reader:
    return lambda given: second(first(given))


def _needed(readers: Mapping[str, tuple[Any, Reader]]) -> list[Any]:
    """Return the fields that something follows from when they are left out of a whole row."""
    return [field for field, _ in readers.values() if field.required or field.default is not empty]


def _is_known(field: Any, item: Item) -> bool:
    """Tell whether the value of a field follows from what is nested, or from where the row stands."""
    return field.source in item.fixed or field.field_name in item.nested


def _left_out(field: Any, item: Item) -> Any:
    """Return the value of a field that is not given; raise SkipField where there is none."""
    if _is_known(field, item):
        raise SkipField
    if field.required:
        field.fail("required")
    return field.get_default()


def _read(
    serializer: Any, readers: Mapping[str, tuple[Any, Reader]], needed: Sequence[Any], item: Item
) -> None:
    wrong: dict[str, Any] = {}
    given: dict[str, Any] = {}
    data = item.data
    if not data.keys() <= readers.keys():
        serializer.instance = None if item.adding else item.row
        wrong.update(serializer._refused(data))
    for name, value in data.items():
        if name in readers:
            field, read = readers[name]
            _take(given, wrong, field, read, value)
    if not item.partial:
        for field in needed:
            if field.field_name not in data:
                _take(given, wrong, field, _left_out, field, item)
    item.given = given
    if wrong:
        item.refuse_all({name: wrong[name] for name in (*readers, *wrong) if name in wrong})


def _take(given: dict[str, Any], wrong: dict[str, Any], field: Any, read: Any, *values: Any) -> None:
    try:
        given[field.source] = read(*values)
    except SkipField:
        return
    except ValidationError as error:
        wrong.setdefault(field.field_name, error.detail)
    except ModelValidationError as error:
        wrong.setdefault(field.field_name, get_error_detail(error))


def _read_alone(serializer: Any, item: Item) -> None:
    serializer.instance, serializer.partial = (None if item.adding else item.row), item.partial
    serializer.initial_data = item.data
    try:
        with _unasked([field for field in serializer._writable_fields if _is_known(field, item)]):
            item.given = dict(serializer.run_validation(item.data))
    except ValidationError as error:
        item.refuse_all(error.detail)


@contextmanager
def _unasked(fields: Sequence[Any]) -> Iterator[None]:
    """Let nobody ask for these fields, as for those that cannot be written."""
    for field in fields:
        field.read_only = True
    try:
        yield
    finally:
        for field in fields:
            field.read_only = False


def read_items(serializer: Any, items: Iterable[Item]) -> None:
    """Read what was sent for each item; note every mistake at its item."""
    waiting = [item for item in items if not item.faults]
    for item in waiting:
        if not isinstance(item.data, Mapping):
            item.refuse("invalid", "An object is needed here.")
    sound = [item for item in waiting if not item.faults]
    if reads_by_itself(serializer):
        for item in sound:
            _read_alone(serializer, item)
        return
    readers = _readers(serializer, sound)
    needed = _needed(readers)
    for item in sound:
        _read(serializer, readers, needed, item)
