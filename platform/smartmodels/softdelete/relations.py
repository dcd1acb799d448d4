"""Which smart models point at which, and what becomes of a row when what it points at is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.deletion import get_candidate_relations_to_delete

__all__ = ["Fate", "Link", "Model", "groups_below", "in_lock_order", "is_smart", "links_above", "links_below"]

Model = Any  # a concrete subclass of SoftDeleteModel, which imports what imports this module


class Fate(Enum):
    """What a foreign key's ``on_delete`` means for the row that has it."""

    GOES = "goes"
    CUT = "cut"
    PROTECTS = "protects"
    RESTRICTS = "restricts"


def _fate(on_delete: Any) -> Fate | None:
    known = {
        models.CASCADE: Fate.GOES,
        models.PROTECT: Fate.PROTECTS,
        models.RESTRICT: Fate.RESTRICTS,
        models.SET_NULL: Fate.CUT,
        models.SET_DEFAULT: Fate.CUT,
        # Django 6.1 can leave them to the database, which knows nothing of soft deletion.
        getattr(models, "DB_CASCADE", None): Fate.GOES,
        getattr(models, "DB_SET_NULL", None): Fate.CUT,
        getattr(models, "DB_SET_DEFAULT", None): Fate.CUT,
    }
    return known.get(on_delete)


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key from one smart model to another."""

    field: Any
    fate: Fate

    @property
    def child(self) -> Model:
        """Return the model whose rows have the key."""
        return self.field.model

    @property
    def parent(self) -> Model:
        """Return the model that the key points at."""
        return self.field.remote_field.model._meta.concrete_model

    @property
    def value_when_cut(self) -> Any:
        """Return what the key becomes when the link is cut: null, or the default."""
        on_delete = self.field.remote_field.on_delete
        keeps_default = on_delete in (models.SET_DEFAULT, getattr(models, "DB_SET_DEFAULT", None))
        return self.field.get_default() if keeps_default else None


def is_smart(model: Any) -> bool:
    """Tell whether rows of a model are marked as deleted instead of removed."""
    # Versions have the column as well, but not the managers.
    has_all = hasattr(model, "deleted_in") and hasattr(model, "all_objects")
    return has_all and not model._meta.proxy and not model._meta.abstract


def _link(field: Any) -> Link | None:
    remote = field.remote_field
    if remote is None or not is_smart(field.model) or not is_smart(remote.model._meta.concrete_model):
        return None
    fate = _fate(remote.on_delete)
    if fate is not None and not field.target_field.primary_key:
        raise ImproperlyConfigured(
            f"{field} points at {field.target_field}: soft deletion follows keys to primary keys, "
            "so leave out to_field, or declare on_delete=DO_NOTHING."
        )
    return None if fate is None else Link(field, fate)


@cache
def links_above(model: Model) -> tuple[Link, ...]:
    """Return the links from rows of ``model``; those that nothing happens to (DO_NOTHING) do not count."""
    return tuple(link for field in model._meta.concrete_fields if (link := _link(field)) is not None)


@cache
def links_below(model: Model) -> tuple[Link, ...]:
    """Return the links to rows of ``model``, hidden ones included."""
    candidates: Any = get_candidate_relations_to_delete(model._meta)
    fields = (relation.field for relation in candidates)
    return tuple(link for field in fields if (link := _link(field)) is not None)


@cache
def _reach(model: Model) -> frozenset[Model]:
    """Return the model and every model that a deletion of its rows may have to do with."""
    found, ahead = {model}, [model]
    while ahead:
        children = {link.child for link in links_below(ahead.pop())} - found
        found |= children
        ahead += children
    return frozenset(found)


def in_lock_order(wanted: Any) -> list[Model]:
    """Return models so that parents come before children: the order in which everybody locks rows."""
    return sorted(wanted, key=lambda model: (-len(_reach(model)), model._meta.label))


@cache
def groups_below(model: Model) -> tuple[tuple[Model, ...], ...]:
    """Return what may go with rows of ``model``, in lock order; models in a circle make one group."""
    groups: list[list[Model]] = []
    for current in in_lock_order(_reach(model)):
        if groups and _reach(groups[-1][0]) == _reach(current):
            groups[-1].append(current)
        else:
            groups.append([current])
    return tuple(map(tuple, groups))
