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
    None. ``flat`` maps names at the level of the parent to fields of the nested row. Of a many-to-many field
    ``replace`` unlinks, and deletes nothing::

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

    ``is_above``: the parent row holds it, and the nested row is one. ``is_linked``: ``field`` is a
    many-to-many field, and rows of ``through`` hold the keys of both. Else every nested row holds it.
    """

    field: Any
    is_above: bool
    is_linked: bool = False
    is_reverse: bool = False

    @property
    def through(self) -> Any:
        """Return the model of the links."""
        return self.field.remote_field.through

    @property
    def ends(self) -> tuple[str, str]:
        """Return which columns of a link hold the keys of the parent and of the nested row."""
        names = self.field.m2m_field_name(), self.field.m2m_reverse_field_name()
        source, target = (self.through._meta.get_field(name).attname for name in names)
        return (target, source) if self.is_reverse else (source, target)


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
    if found is not None and found.many_to_many:
        return _linked(model, name, found if found.concrete else found.field, is_reverse=not found.concrete)
    raise ImproperlyConfigured(
        f"nested names {name!r}, which is no key of {model._meta.label} and no name of rows that point at it."
    )


def _linked(model: Any, name: str, field: Any, *, is_reverse: bool) -> Relation:
    relation = Relation(field, is_above=False, is_linked=True, is_reverse=is_reverse)
    if not relation.through._meta.auto_created or getattr(field.remote_field, "symmetrical", False):
        raise ImproperlyConfigured(
            f"nested names {name!r} of {model._meta.label}, whose links have a model of their own or go both "
            "ways: nest the rows of that model, or leave the field to the serializer."
        )
    return relation
