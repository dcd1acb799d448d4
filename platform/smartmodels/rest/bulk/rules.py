"""The rules of the model for many rows: as many queries as there are rules, not rows."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError as ModelValidationError
from django.db import models
from rest_framework.exceptions import ValidationError

from smartmodels.rest.bulk.items import Item
from smartmodels.rest.bulk.uniqueness import check_unique, other_constraints
from smartmodels.rest.serializing import SmartSerializer, details_of

__all__ = ["check_items", "rules_are_own"]

_REMEMBERED = (str, int, float, bool, type(None))


def rules_are_own(serializer: Any) -> bool:
    """Tell whether a serializer has rules of its own, which are then asked row by row."""
    return bool(type(serializer).validate is not SmartSerializer.validate)


def check_items(serializer: Any, items: Iterable[Item], going: Collection[Any] = ()) -> None:
    """Make of every item the row that it would be, and note what speaks against it.

    ``going`` are the keys of rows that are deleted before.
    """
    waiting = [item for item in items if not item.faults]
    model = serializer.Meta.model
    own = rules_are_own(serializer)
    attributes = {field.name: field.attname for field in model._meta.concrete_fields}
    for item in waiting:
        if own:
            _ask(serializer, item)
        if not item.faults:
            _apply(item, model, attributes)
    waiting = [item for item in waiting if not item.faults]
    if own:
        return
    _clean(serializer, waiting)
    check_unique(waiting, model, serializer.fields.keys(), going)


def _ask(serializer: Any, item: Item) -> None:
    serializer.instance = None if item.adding else item.row
    serializer.partial, serializer.initial_data = item.partial, item.data
    try:
        item.given = dict(serializer.validate({**item.given, **item.fixed}))
    except ValidationError as error:
        item.refuse_all(error.detail)
    except ModelValidationError as error:
        item.refuse_all(details_of(error))


def _apply(item: Item, model: Any, attributes: Mapping[str, str]) -> None:
    """Put the values into the row, and remember the old ones of those that differ."""
    values = {**item.given, **item.fixed} if item.fixed else item.given
    if item.adding:
        item.row = model(**{name: value for name, value in values.items() if name in attributes})
        return
    row, changed = item.row, {}
    for name, value in values.items():
        if name in attributes:
            old = getattr(row, attributes[name])
            if old != (value.pk if isinstance(value, models.Model) else value):
                changed[attributes[name]] = old
                setattr(row, name, value)
    item.changed = changed


# What the model says of values, and of rows


def _cleaner(field: Any) -> Callable[[Any, Any], None]:
    """Return what checks the values of one field, equal ones once."""
    sound: set[Any] = set()

    def check(value: Any, row: Any) -> None:
        if (field.blank and value in field.empty_values) or (field.null and value is None):
            return
        remembered = isinstance(value, _REMEMBERED)
        if remembered and (value.__class__, value) in sound:
            return
        field.clean(value, row)
        if remembered:
            sound.add((value.__class__, value))

    return check


def _is_checked(serializer: Any, field: Any) -> bool:
    """Tell whether the serializer's field was made of the model's and asks all that the model would."""
    made = getattr(serializer.Meta, "extra_kwargs", {})
    return (
        field.name in serializer.fields
        and field.name not in serializer._declared_fields
        and field.name not in made
        and type(field).__module__.startswith("django.db.models.fields")
        and type(serializer.fields[field.name]).__module__ == "rest_framework.fields"
    )


def _clean(serializer: Any, items: Sequence[Item]) -> None:
    if not items:
        return
    model = serializer.Meta.model
    cleaners = {
        field.name: (field.attname, _cleaner(field))
        for field in model._meta.concrete_fields
        if not field.is_relation and not _is_checked(serializer, field)
    }
    cleans_rows = model.clean is not models.Model.clean
    constraints = other_constraints(model)
    for item in items:
        wrong: dict[str, Any] = {}
        for name in item.given.keys() & cleaners.keys():
            attribute, check = cleaners[name]
            _collect(serializer, wrong, check, getattr(item.row, attribute), item.row, name=name)
        if cleans_rows:
            _collect(serializer, wrong, copy.copy(item.row).clean)
        if not wrong:
            for constraint in constraints:
                _collect(serializer, wrong, constraint.validate, model, item.row)
        if wrong:
            item.refuse_all(wrong)


def _collect(
    serializer: Any, wrong: dict[str, Any], check: Callable[..., Any], *values: Any, name: str | None = None
) -> None:
    try:
        check(*values)
    except ModelValidationError as error:
        for place, found in details_of(error, name).items():
            wrong.setdefault(serializer._place(place), []).extend(found)
