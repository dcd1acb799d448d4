"""A query string in brackets as a tree: ``[where][or][0][id]=1`` is ``{"where": {"or": [{"id": "1"}]}}``.

All leaves are texts. ``a[]=`` and a name that is given again make lists, to any length; so do indexes, in
their order, with gaps closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from smartmodels.rest.filtering.errors import InvalidFilter

__all__ = ["as_tree", "listed"]

_NAME = re.compile(r"[^\[\]]*(?:\[[^\[\]]*\])*\Z")
_STEP = re.compile(r"\[([^\[\]]*)\]")
_INDEX = re.compile(r"[0-9]{1,6}\Z")
_STEPS = 200
_LISTS = frozenset({"inq", "nin"})
"""Operators whose one value may stand alone, since a list of one looks like it."""


def _steps(name: str) -> list[str]:
    if not _NAME.match(name):
        raise InvalidFilter(f"brackets do not match in {name[:100]!r}")
    steps: list[str] = _STEP.findall(name)
    if len(steps) > _STEPS:
        raise InvalidFilter("query too deep", code="too-deep")
    return steps


def _put(tree: dict[str, Any], steps: list[str], values: list[str]) -> None:
    """Put the values of one name into the tree; ``""`` (from ``[]``) opens a new place in a list."""
    *way, last = steps
    for index, step in enumerate(way):
        inner = tree.setdefault(step or _next(tree), {})
        if not isinstance(inner, dict):
            raise InvalidFilter("a name is given both a value and parts", tuple(way[: index + 1]))
        tree = inner
    if last:
        _set(tree, last, values, steps)
        return
    for value in values:
        tree[_next(tree)] = value


def _next(tree: dict[str, Any]) -> str:
    index = len(tree)
    while str(index) in tree:
        index += 1
    return str(index)


def _set(tree: dict[str, Any], name: str, values: list[str], steps: list[str]) -> None:
    if name in tree:
        raise InvalidFilter("a name is given both a value and parts", tuple(steps))
    tree[name] = values[0] if len(values) == 1 else list(values)


def listed(given: Any) -> Any:
    """Return a dict whose keys are indexes (``{"0": .., "1": ..}``) as a list; anything else as it is."""
    if isinstance(given, dict) and given and set(given) == set(map(str, range(len(given)))):
        return [given[str(index)] for index in range(len(given))]
    return given


def _without_gaps(given: dict[str, Any]) -> Any:
    if given and all(_INDEX.match(key) for key in given):
        return [given[key] for key in sorted(given, key=int)]
    return given


def _settled(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    settled = {
        name: [inner] if name in _LISTS and isinstance(inner, str) else _settled(inner)
        for name, inner in given.items()
    }
    return _without_gaps(settled)


def as_tree(pairs: Iterable[tuple[str, list[str]]]) -> Any:
    """Return the tree of names in brackets (``[a][b]``) and their values.

    Raises InvalidFilter for brackets that do not match and for a name that is both a value and a parent.
    """
    tree: dict[str, Any] = {}
    for name, values in pairs:
        steps = _steps(name)
        # Each value opens a place of its own where there is a [] on the way.
        for some in [[value] for value in values] if "" in steps[:-1] else [values]:
            _put(tree, steps, some)
    return _settled(tree)
