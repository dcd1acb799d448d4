"""What history knows of each model: its columns, its links, how deep it lies below others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.functions import Cast

from smartmodels.history.records import HistoryRow, history_model

__all__ = ["TrackedLink", "in_depth_order", "revertible_fields", "tracked_links", "tracked_models"]


@dataclass(frozen=True, slots=True)
class TrackedLink:
    """A many-to-many field whose links are part of every version: where links stand, now and then."""

    name: str
    label: str
    target: Any
    through: Any
    source_field: str
    target_field: str
    history: Any

    @property
    def columns(self) -> tuple[str, str]:
        """Return the columns of the table of links: of the row, of what it is linked to."""
        options = self.through._meta
        return options.get_field(self.source_field).column, options.get_field(self.target_field).column


@cache
def tracked_links(model: type[models.Model]) -> tuple[TrackedLink, ...]:
    """Return the tracked many-to-many fields of a model."""
    history = history_model(model)
    of_versions = {
        relation.related_model._meta.db_table: relation.related_model
        for relation in history._meta.related_objects
    }
    found = []
    for field in getattr(history, "_history_m2m_fields", ()):
        through = field.remote_field.through
        source, target = field.m2m_field_name(), field.m2m_reverse_field_name()
        versions = next(
            each for each in of_versions.values() if getattr(each, "instance_type", None) is through
        )
        label = str(field.verbose_name)
        found.append(
            TrackedLink(field.name, label, field.remote_field.model, through, source, target, versions)
        )
    return tuple(found)


@cache
def revertible_fields(model: type[models.Model]) -> tuple[Any, ...]:
    """Return the fields that a revert may write: tracked ones that people may edit, not the smart fields."""
    return tuple(
        field for field in history_model(model).tracked_fields if field.editable and not field.primary_key
    )


def readable(rows: models.QuerySet[Any], model: type[models.Model]) -> tuple[Any, list[str]]:
    """Return the rows with JSON as text, and the names to read, one per tracked column of ``model``.

    As text, JSON's null differs from no value and ``1`` from ``true``; Python would take them as equal.
    """
    names, casts = [], {}
    for field in history_model(model).tracked_fields:
        name = field.attname
        if isinstance(field, models.JSONField):
            name = f"{name}_as_text"
            casts[name] = Cast(field.attname, models.TextField())
        names.append(name)
    return rows.annotate(**casts), names


@cache
def tracked_models() -> tuple[type[models.Model], ...]:
    """Return the models that have a history, parents before the children that point at them.

    The rest of the order is by label; it is the same for everybody, so that rows can be locked in it.
    """
    found = [
        model
        for model in apps.get_models()
        if hasattr(model._meta, "simple_history_manager_attribute") and not model._meta.proxy
    ]
    left: list[Any] = [model for model in found if issubclass(history_model(model), HistoryRow)]
    left.sort(key=lambda model: model._meta.label)
    ordered: list[Any] = []
    while left:
        # Models that point at one another in a circle have no order: take the first by label.
        free = [model for model in left if not _parents(model, left)] or left[:1]
        ordered += free
        left = [model for model in left if model not in free]
    return tuple(ordered)


def _parents(model: Any, among: Iterable[Any]) -> set[Any]:
    targets = {field.remote_field.model for field in model._meta.concrete_fields if field.remote_field}
    return {target._meta.concrete_model for target in targets} & set(among) - {model}


def in_depth_order(wanted: Iterable[Any]) -> list[Any]:
    """Return tracked models in the order of :func:`tracked_models`."""
    chosen = set(wanted)
    return [model for model in tracked_models() if model in chosen]
