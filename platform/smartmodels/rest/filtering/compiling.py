"""From a filter to a :class:`Selection`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smartmodels.rest.filtering.brackets import listed
from smartmodels.rest.filtering.caps import INCLUDE_DEPTH, Budget
from smartmodels.rest.filtering.conditions import TRUE
from smartmodels.rest.filtering.errors import InvalidFilter, Place
from smartmodels.rest.filtering.fields import fields_of
from smartmodels.rest.filtering.ordering import order_of
from smartmodels.rest.filtering.relations import relations_of
from smartmodels.rest.filtering.selection import Inclusion, Selection
from smartmodels.rest.filtering.where import Asked, where_of

__all__ = ["ALL_KEYS", "selection_of"]

ALL_KEYS = ("where", "fields", "include", "order", "limit", "skip", "offset")
_FARTHEST = 2**31 - 1


def selection_of(view: Any, given: Any, *, here: Any = None, keys: tuple[str, ...] = ALL_KEYS) -> Selection:
    """Return what a filter selects among the rows of a view; raise InvalidFilter.

    ``here`` is the condition under which a row is at home in the bound namespace (None where all are);
    ``keys`` are the parts that may be given.
    """
    budget = Budget()
    selected = _selection(Asked(view, budget, here=here), given, (), keys, depth=0)
    return replace(selected, has_patterns=budget.has_patterns)


def _selection(asked: Asked, given: Any, place: Place, keys: tuple[str, ...], depth: int) -> Selection:
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise InvalidFilter("filter must be an object" if not depth else "scope must be an object", place)
    for name in given:
        if name not in keys:
            raise InvalidFilter(f"unknown filter key {name[:100]!r}", (*place, name), known=keys)
    where = given.get("where")
    condition = TRUE if where is None else where_of(asked, where, (*place, "where"))
    return Selection(
        where=condition.q,
        order=order_of(asked.view, given.get("order"), (*place, "order")),
        fields=fields_of(asked.view, given.get("fields"), (*place, "fields")),
        includes=_includes(asked, given.get("include"), (*place, "include"), depth + 1),
        limit=_limit(given.get("limit"), (*place, "limit")),
        skip=_skip(given, place),
        given=given,
    )


# Paging


def _whole(given: Any) -> int | None:
    if isinstance(given, str) and given.isascii() and given.isdigit():
        return int(given[:20])
    if isinstance(given, float) and given.is_integer():
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _limit(given: Any, place: Place) -> int | None:
    if given is None:
        return None
    number = _whole(given)
    if number is None or number < 1:
        raise InvalidFilter("limit must be an integer >= 1", place)
    return min(number, _FARTHEST)


def _skip(given: dict[str, Any], place: Place) -> int:
    numbers = [_whole(given[name]) for name in ("skip", "offset") if given.get(name) is not None]
    if any(number is None or number < 0 for number in numbers):
        raise InvalidFilter("skip must be an integer >= 0", (*place, "skip"))
    if len(set(numbers)) > 1:
        raise InvalidFilter("skip and offset are the same: give one", (*place, "skip"))
    return min(numbers[0] or 0, _FARTHEST) if numbers else 0


# Include


def _includes(asked: Asked, given: Any, place: Place, depth: int) -> tuple[Inclusion, ...]:
    items = listed(given)
    if items is None or items in ("", {}):
        return ()
    if depth > INCLUDE_DEPTH and items:
        raise InvalidFilter(f"at most {INCLUDE_DEPTH} levels of include", place, code="too-deep")
    single = not isinstance(items, list)
    found: dict[str, Inclusion] = {}
    for index, item in enumerate([items] if single else items):
        inside = place if single else (*place, index)
        for name, scope, at in _named(item, place, inside):
            if name in found and found[name].scope.given != (scope or {}):
                raise InvalidFilter(f"relation {name[:100]!r} is included in two ways", place)
            found[name] = _inclusion(asked, name, scope, (place, at), depth)
    return tuple(found.values())


def _named(item: Any, place: Place, inside: Place) -> list[tuple[str, Any, Place]]:
    """Return names and scopes of one item: a name, ``{relation, scope}``, or ``{name: what it includes}``."""
    if isinstance(item, str):
        return [(item, None, inside)]
    if not isinstance(item, dict) or not item:
        raise InvalidFilter("include must be strings or objects", place)
    if "relation" not in item:
        return [(name, {"include": inner}, (*inside, name)) for name, inner in item.items()]
    if strange := sorted(set(item) - {"relation", "scope"}):
        raise InvalidFilter(f"unknown include key {strange[0][:100]!r}", (*inside, strange[0]))
    if not isinstance(item["relation"], str):
        raise InvalidFilter("relation must be a string", (*inside, "relation"))
    return [(item["relation"], item.get("scope"), (*inside, "scope"))]


def _inclusion(asked: Asked, name: str, scope: Any, places: tuple[Place, Place], depth: int) -> Inclusion:
    relation = relations_of(asked.view).get(name)
    if relation is None:
        raise InvalidFilter(f"unknown relation {name[:100]!r}", places[0], code="unknown-relation")
    asked.budget.take("includes", places[0])
    view = relation.view_for(asked.view.request)
    inner = _selection(Asked(view, asked.budget), scope, places[1], ALL_KEYS, depth)
    return Inclusion(relation, view, inner)
