"""Of a shared row others see its ``view_fields``, and nothing that they ask for tells of the rest."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from typing import Any

from smartmodels.rest.faults import Fault, InvalidInputHere
from smartmodels.rest.fields import ToldField
from smartmodels.rest.filtering import InvalidFilter, selection_of

__all__ = ["NotShown", "check_shown", "for_others", "restricted"]


def for_others(view: Any) -> Any:
    """Return the view as it shows rows of others."""
    shown = copy.copy(view)
    shown.shows_others = True
    return shown


def restricted(kind: Any, model: Any) -> Any:
    """Return a serializer class with what it shows of rows of others: the model's ``view_fields``.

    Their key, and what is told of them here, always belong to it.
    """
    names = model.smart.view_fields
    return kind if names is None else _restricted(kind, model, names)


@cache
def _restricted(kind: Any, model: Any, names: tuple[str, ...]) -> Any:
    seen = frozenset({*names, *(field.attname for field in _fields(model) if field.name in names)})
    shown = tuple(name for name, field in kind().fields.items() if _is_shown(name, field, seen, model))
    meta = type("Meta", (getattr(kind, "Meta", object),), {"fields": shown, "exclude": None})
    return type(f"Shared{kind.__name__}", (kind,), {"__doc__": kind.__doc__, "__module__": kind.__module__,
                                                    "Meta": meta})  # fmt: skip


def _fields(model: Any) -> Any:
    return model._meta.concrete_fields


def _is_shown(name: str, field: Any, seen: frozenset[str], model: Any) -> bool:
    if isinstance(field, ToldField):
        return True
    source, leads_on, _ = str(field.source).partition(".")
    if leads_on:
        # A value of another row, which nobody shared with this one.
        return name in seen
    return source in seen or source in ("pk", model._meta.pk.name) or (source == "*" and name in seen)


class NotShown(InvalidFilter):
    """The filter names what rows of others do not show: by it they could be guessed."""

    def __init__(self, fault: Fault) -> None:
        why = f"{fault.detail}: rows that others share do not show it. Ask for your own alone, with scope=own"
        InvalidInputHere.__init__(self, replace(fault, code="not-shown", detail=why))
        self.default_code = "not-shown"


def check_shown(view: Any, given: Any, keys: tuple[str, ...]) -> None:
    """Raise NotShown for a filter, good for own rows, that names what rows of others do not show."""
    if view.model.smart.view_fields is None:
        return
    try:
        selection_of(for_others(view), given, keys=keys)
    except InvalidFilter as error:
        raise NotShown(error.faults[0]) from error
