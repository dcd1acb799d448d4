"""Names of rows, read for a whole page with one query per model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import models

from smartmodels.models import SmartModel
from smartmodels.querysets import owned
from smartmodels.showing import derive

__all__ = ["Names", "said"]


def said(row: Any) -> str:
    """Return what a row calls itself, or its key if it cannot tell since what it names is gone."""
    try:
        return str(row)
    except ObjectDoesNotExist:
        return f"{row._meta.verbose_name} {row.pk}"


def _rows(model: Any) -> Any:
    if not issubclass(model, SmartModel):
        return model._base_manager.all()
    # What a row calls itself often names the row it belongs to.
    keys = [key.name for key in derive.foreign_keys(model)]
    rows = owned(model.all_objects.all())
    return rows.select_related(*keys) if keys else rows


class Names:
    """Names of rows by model and key: say first which are wanted, then ask for each."""

    def __init__(self) -> None:
        self._wanted: dict[type[models.Model], set[Any]] = {}
        self._known: dict[type[models.Model], dict[Any, str]] = {}

    def want(self, model: type[models.Model], keys: Iterable[Any]) -> None:
        """Say whose names will be asked for."""
        self._wanted.setdefault(model, set()).update(key for key in keys if key is not None)

    def find(self, model: type[models.Model], key: Any) -> str | None:
        """Return the name of a row, living or deleted; None for one that is not there (any more)."""
        known = self._known.setdefault(model, {})
        wanted = self._wanted.pop(model, set()) - known.keys()
        if wanted:
            known.update({row.pk: said(row) for row in _rows(model).filter(pk__in=wanted)})
        return known.get(key)

    def of(self, model: type[models.Model], key: Any) -> str:
        """Return the name of a row, or its key if it is gone."""
        return self.find(model, key) or f"{key} (gone)"
