"""What a viewset says of the rows that are written together with its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured

__all__ = ["DEPTH_MAX", "ROWS_MAX", "Nested", "Relation", "relation_of"]

DEPTH_MAX = 4
"""Levels below the row at the address."""

ROWS_MAX = 1_000
"""Nested rows in one request, of all levels together."""

Resolve = Callable[[Mapping[str, Any], Any], Any]


@dataclass(frozen=True, eq=False)
class Nested:
    """Rows of ``viewset``'s model that are written with the row they belong to, by that viewset's rules.

    ``mode`` says what an array means: ``merge`` leaves rows that are not in it, ``replace`` deletes them;
    by default PUT replaces and everything else merges. ``key`` names fields by which a row without ``id`` is
    found among those that exist; ``resolve(data, parent)`` does so in another way, and returns a row or
    None. ``flat`` maps names at the level of the parent to fields of the nested row::

        @register(Study)
        class StudyViewSet(ResourceViewSet):
            nested = {"specimens": Nested(SpecimenViewSet, key=("species", "number"))}
    """

    viewset: Any
    mode: Literal["merge", "replace"] | None = None
    key: tuple[str, ...] = ()
    resolve: Resolve | None = None
    flat: Mapping[str, str] = field(default_factory=dict)
    most: int = ROWS_MAX

    @property
    def finds(self) -> bool:
        """Tell whether rows may be found without their id."""
        return bool(self.key or self.resolve)


@dataclass(frozen=True, slots=True)
class Relation:
    """How nested rows hang together with their parent; ``field`` is the key that one of them holds.

    ``is_above``: the parent row holds it, and the nested row is one. Else every nested row holds it.
    """

    field: Any
    is_above: bool


def relation_of(model: Any, name: str) -> Relation:
    """Return the relation of this name; raise ImproperlyConfigured if nothing can be nested by it."""
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        found = None
    if found is not None and found.one_to_many:
        return Relation(found.field, is_above=False)
    if found is not None and (found.many_to_one or found.one_to_one) and found.concrete:
        return Relation(found, is_above=True)
    raise ImproperlyConfigured(
        f"nested names {name!r}, which is no key of {model._meta.label} and no name of rows that point at it."
    )
