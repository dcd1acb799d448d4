"""What stands in the way of a restoration, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError
from django.db.models import Q

from smartmodels.exceptions import RestoreConflict
from smartmodels.softdelete.relations import Model

__all__ = ["as_conflict"]

_SHOWN = 20


def as_conflict(error: IntegrityError, coming: Mapping[Model, Iterable[Any]], using: str) -> RestoreConflict:
    """Return what the database refused as a conflict that names the rows that hold the values."""
    said: Any = getattr(error.__cause__, "diag", None)
    model = next((each for each in coming if each._meta.db_table == getattr(said, "table_name", None)), None)
    if model is None:
        return RestoreConflict(f"The rows cannot come back as they were: {error}", keys=[])
    keys = list(coming[model])
    fields = _fields(model, getattr(said, "constraint_name", None))
    taken = _taken(model, keys, fields, using) if fields else {}
    names = ", ".join(f"{str(row)!r}" for row in list(taken.values())[:3])
    words = " and ".join(str(model._meta.get_field(name).verbose_name) for name in fields)
    return RestoreConflict(
        f"A living {model._meta.verbose_name}{f' ({names})' if names else ''} has taken a value that must be "
        f"unique{f' ({words})' if words else ''}: change that one, then restore again.",
        model=model._meta.label,
        keys=sorted(map(str, taken or keys))[:_SHOWN],
        taken_by=sorted(str(row.pk) for row in taken.values()),
        fields=list(fields),
    )


def _fields(model: Model, name: str | None) -> tuple[str, ...]:
    found = (each for each in model._meta.constraints if each.name == name)
    return tuple(getattr(next(found, None), "fields", ()))


def _taken(model: Model, keys: list[Any], fields: tuple[str, ...], using: str) -> dict[Any, Any]:
    """Return, by the key of each row that cannot come back, the living row that has its values."""
    rows = model.all_objects.using(using)
    wanted = {
        values: pk
        for pk, *rest in rows.filter(pk__in=keys).values_list("pk", *fields)
        if (values := tuple(rest))
    }
    found: dict[Any, Any] = {}
    several = list(wanted)
    while several and len(found) < _SHOWN:
        batch, several = several[:500], several[500:]
        same = Q()
        for values in batch:
            same |= Q(**dict(zip(fields, values, strict=True)))
        for row in rows.filter(same, deleted_at__isnull=True)[:_SHOWN]:
            values = tuple(getattr(row, model._meta.get_field(name).attname) for name in fields)
            if (pk := wanted.get(values)) is not None:
                found[pk] = row
    return found
