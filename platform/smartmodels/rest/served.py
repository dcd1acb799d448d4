"""Which viewset serves which model: filled by the registry, read by whatever follows relations."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = [
    "count_served",
    "extended",
    "extensions",
    "path_of",
    "path_of_label",
    "registered",
    "view_class_of",
    "viewsets",
]

viewsets: dict[str, type[Any]] = {}
"""By path."""

extensions: list[tuple[type[Any], type[Any]]] = []
"""Kinds of viewsets, and what is mixed into all of that kind."""


def registered() -> dict[str, type[Any]]:
    """Return the viewsets by path, with the extensions of all apps mixed in."""
    return {path: extended(viewset) for path, viewset in sorted(viewsets.items())}


def view_class_of(model: Any) -> type[Any] | None:
    """Return the viewset that serves a model, with its extensions; None if no endpoint does."""
    for viewset in viewsets.values():
        if viewset.model is model:
            return extended(viewset)
    return None


def path_of(model: Any) -> str | None:
    """Return the path of the list of a model's rows; None if no endpoint serves it."""
    return next((path for path, viewset in viewsets.items() if viewset.model is model), None)


def path_of_label(label: str) -> str | None:
    """Return the path of the list of the rows of a model such as ``research.study``, as :func:`path_of`."""
    served = ((path, viewset.model._meta.label_lower) for path, viewset in viewsets.items())
    return next((path for path, name in served if name == label), None)


def count_served() -> int:
    """Return how many viewsets and extensions there are: what is derived from them is kept for as long."""
    return len(viewsets) + len(extensions)


def extended(viewset: type[Any]) -> type[Any]:
    """Return the viewset with what apps mix into all of its kind."""
    key: Any = viewset
    found: type[Any] = _mixed(key, tuple(mixin for base, mixin in extensions if issubclass(viewset, base)))
    return found


@cache
def _mixed(viewset: type[Any], mixins: tuple[type[Any], ...]) -> type[Any]:
    if not mixins:
        plain: type[Any] = viewset
        return plain
    body = {"__doc__": viewset.__doc__, "__module__": viewset.__module__}
    mixed: type[Any] = type(viewset.__name__, (*mixins, viewset), body)
    return mixed
