"""``where``: a tree of conditions over exposed columns and relation paths, compiled to one Q."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Exists, OuterRef, Q

from smartmodels.querysets import without_service_owners
from smartmodels.rest.filtering.belonging import belongs, is_belonging
from smartmodels.rest.filtering.brackets import listed
from smartmodels.rest.filtering.caps import DEPTH, Budget
from smartmodels.rest.filtering.columns import Column, columns_of
from smartmodels.rest.filtering.conditions import Condition, all_of, any_of
from smartmodels.rest.filtering.errors import InvalidFilter, Place, Unreadable, unknown
from smartmodels.rest.filtering.operators import OPERATORS, PATTERNS, equal
from smartmodels.rest.filtering.relations import Relation, relations_of

__all__ = ["Asked", "related_rows", "where_of"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is being compiled: for which view, how deep, and what it may still ask for.

    ``here`` is the condition under which a row is at home in the bound namespace, where a list shows rows
    of others as well: what is related to those is not shown, and so not to be searched either.
    """

    view: Any
    budget: Budget
    depth: int = 1
    here: Q | None = None

    def deeper(self) -> Asked:
        """Return the same, one level further down."""
        return replace(self, depth=self.depth + 1)


def related_rows(relation: Relation, view: Any) -> Any:
    """Return the rows of a relation that the caller may see."""
    rows = view.get_queryset()
    return without_service_owners(rows) if relation.is_many else rows


def where_of(asked: Asked, given: Any, place: Place) -> Condition:
    """Return the condition; all members of the object hold. Raises InvalidFilter."""
    if asked.depth > DEPTH:
        raise InvalidFilter("query too deep", place, code="too-deep")
    if not isinstance(given, dict):
        what = "where must be an object" if asked.depth == 1 else "expected an object"
        raise InvalidFilter(what, place)
    asked.budget.take("groups of conditions", place)
    return all_of(_member(asked, name, value, (*place, name)) for name, value in given.items())


def _member(asked: Asked, name: str, given: Any, place: Place) -> Condition:
    if name in ("and", "or", "nor"):
        branches = _branches(asked, given, place)
        if name == "and":
            return all_of(branches)
        return any_of(branches) if name == "or" else ~any_of(branches)
    if name == "not":
        return ~where_of(asked.deeper(), given, place)
    if "." in name:
        return _related(asked, name, given, place)
    columns = columns_of(asked.view.get_serializer_class(), asked.view.model)
    if name not in columns:
        if is_belonging(asked.view.model, name):
            return belongs(asked, given, place)
        raise unknown("property", name, place, columns)
    return _property(asked, columns[name], given, place)


def _branches(asked: Asked, given: Any, place: Place) -> list[Condition]:
    branches = listed(given)
    if not isinstance(branches, list):
        raise InvalidFilter("expected an array", place)
    deeper = asked.deeper()
    return [where_of(deeper, each, (*place, index)) for index, each in enumerate(branches)]


# Properties


def _property(asked: Asked, column: Column, given: Any, place: Place) -> Condition:
    if isinstance(given, list):
        raise InvalidFilter("use inq for a list", place)
    if not isinstance(given, dict):
        asked.budget.take("conditions", place)
        return _checked(equal, column, (given, ""), place)
    named = [name for name in given if name != "options"]
    for name in named:
        if name not in OPERATORS:
            raise InvalidFilter(
                f"unknown operator {name[:100]!r}", (*place, name), known=OPERATORS, code="unknown-operator"
            )
    if not named:
        raise InvalidFilter("expected an operator", place)
    options, found = _options(given, named, place), []
    for name in named:
        asked.budget.take("conditions", (*place, name))
        asked.budget.has_patterns |= name in PATTERNS
        found.append(_checked(OPERATORS[name], column, (given[name], options), (*place, name)))
    return all_of(found)


def _options(given: dict[str, Any], named: list[str], place: Place) -> str:
    options = given.get("options", "")
    if options is None or options == "":
        return ""
    if options != "i" or not any(name in PATTERNS for name in named):
        raise InvalidFilter("options is 'i', beside a pattern", (*place, "options"))
    return "i"


def _checked(operator: Any, column: Column, values: tuple[Any, str], place: Place) -> Condition:
    try:
        found: Condition = operator(column, *values)
    except Unreadable as error:
        raise InvalidFilter(str(error), place) from error
    return found


# Relation paths


def _related(asked: Asked, path: str, given: Any, place: Place) -> Condition:
    """Return the condition on related rows.

    A row that has none is judged as if all columns of the related row were null, if there can be one only;
    of many, one must be there for which the condition holds.
    """
    name, _, rest = path.partition(".")
    relations = relations_of(asked.view)
    if name not in relations:
        raise unknown("relation", name, place, relations)
    relation = relations[name]
    asked.budget.take("conditions on related rows", place)
    view = relation.view_for(asked.view.request)
    inner = where_of(replace(asked.deeper(), view=view, here=None), {rest: given}, place)
    rows = related_rows(relation, view).filter(**{relation.inner: OuterRef(relation.outer)})
    here = Q() if asked.here is None else asked.here
    found = Condition(here & Q(Exists(rows.filter(inner.q))))
    if relation.is_many or not inner.of_nothing:
        return found
    return Condition(found.q | ~(here & Q(Exists(rows))), of_nothing=True)
