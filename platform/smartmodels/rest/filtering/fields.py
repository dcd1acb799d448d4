"""``fields``: what is shown of a row."""

from __future__ import annotations

from typing import Any

from smartmodels.rest.filtering.brackets import listed
from smartmodels.rest.filtering.columns import readable_of
from smartmodels.rest.filtering.errors import InvalidFilter, Place, Unreadable, unknown
from smartmodels.rest.filtering.values import read_boolean

__all__ = ["fields_of", "only_fields"]


def fields_of(view: Any, given: Any, place: Place) -> tuple[str, ...] | None:
    """Return the names to show in their usual order, None for all of them; raise InvalidFilter.

    Some that are wanted leave out the others; some that are not leave the others.
    """
    wanted = _wanted(given, place)
    known = readable_of(view.get_serializer_class())
    for name in wanted:
        if name not in known:
            raise unknown("field", name, place, known)
    chosen = {name for name, truth in wanted.items() if truth} or set(known) - set(wanted)
    return None if not wanted else tuple(name for name in known if name in chosen)


def _wanted(given: Any, place: Place) -> dict[str, bool]:
    given = listed(given)
    if given is None or given == "":
        return {}
    if isinstance(given, str):
        return {given: True}
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return dict.fromkeys(given, True)
    if not isinstance(given, dict):
        raise InvalidFilter("fields must be an object, array or string", place)
    return {name: _truth(value, (*place, name)) for name, value in given.items()}


def _truth(given: Any, place: Place) -> bool:
    try:
        return read_boolean(given)
    except Unreadable as error:
        raise InvalidFilter("fields values are booleans", place) from error


def only_fields(serializer: Any, names: tuple[str, ...] | None) -> Any:
    """Return the serializer (of one row or many) with these fields alone."""
    if names is not None:
        fields = getattr(serializer, "child", serializer).fields
        for name in set(fields) - set(names):
            fields.pop(name)
    return serializer
