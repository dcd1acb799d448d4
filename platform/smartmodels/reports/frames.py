"""``to_dataframe()``, ``to_pivot_table()`` and ``to_timeseries()`` of querysets and managers.

The methods are django-pandas'; the reading is ours. Its own reads eight times slower, turns integers with
missing values into floats, and keeps the labels of foreign keys in a cache that does not know namespaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django_pandas.managers import DataFrameQuerySet

from smartmodels.context import namespace_scope
from smartmodels.reports.copying import as_frame, copy_rows, describe
from smartmodels.reports.snapshots import bounded, snapshot
from smartmodels.reports.statements import compile_here

__all__ = ["Frames"]

_KEYS_PER_QUERY = 5000


class Frames:
    """What a queryset calls, through :class:`smartmodels.querysets.frames.FrameMethods`."""

    @staticmethod
    def to_dataframe(  # noqa: PLR0913 - django-pandas' arguments
        queryset: Any,
        fieldnames: Sequence[str] = (),
        *,
        verbose: bool = True,
        index: str | None = None,
        coerce_float: bool = False,
        datetime_index: bool = False,
    ) -> Any:
        """Return the rows of ``queryset`` as a DataFrame; the arguments are django-pandas'."""
        values, names = _values(queryset, fieldnames, index)
        with snapshot(using=queryset.db):
            frame = _read(values)
            if verbose:
                _label(frame, queryset)
        frame = frame[names]
        if coerce_float:
            frame = frame.assign(
                **{name: frame[name].astype("float64") for name in names if _exact(frame[name])}
            )
        if index is not None:
            frame = frame.set_index(index)
        if datetime_index:
            frame.index = pd.to_datetime(frame.index)
        return frame

    @classmethod
    def to_pivot_table(cls, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        """Return django-pandas' pivot table of the rows."""
        return DataFrameQuerySet.to_pivot_table(_Source(queryset), *args, **kwargs)

    @classmethod
    def to_timeseries(cls, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        """Return django-pandas' time series of the rows."""
        return DataFrameQuerySet.to_timeseries(_Source(queryset), *args, **kwargs)


class _Source:
    """What django-pandas' methods need of a queryset: frames."""

    def __init__(self, queryset: Any) -> None:
        self._queryset = queryset

    def to_dataframe(self, *args: Any, **kwargs: Any) -> Any:
        return Frames.to_dataframe(self._queryset, *args, **kwargs)


def _values(queryset: Any, fieldnames: Sequence[str], index: str | None) -> tuple[Any, list[str]]:
    """Return the ``values()`` queryset to read and the names of the columns that were asked for."""
    query = queryset.query
    if fieldnames or queryset._fields is None:
        fields = [field.name for field in queryset.model._meta.concrete_fields]
        names = list(dict.fromkeys(fieldnames or [*fields, *query.annotation_select]))
        if index is not None and index not in names:
            names.append(index)
        # Labels are looked up in each row's home.
        home = ["home"] if _namespaces(queryset) and "home" not in names else []
        return queryset.values(*names, *home), names
    return queryset, list(query.selected or [*query.values_select, *query.annotation_select])


def _read(values: Any) -> Any:
    statement = compile_here(values)
    with bounded(using=statement.using) as cursor:
        layout = describe(statement, cursor)
        rows = copy_rows(statement, layout, cursor)
        return as_frame(layout, [rows], using=statement.using)


def _exact(column: Any) -> bool:
    return pd.api.types.infer_dtype(column, skipna=True) == "decimal"


# What people read instead of keys


def _namespaces(queryset: Any) -> dict[str, Any]:
    """Return the namespaces of a queryset over many, by slug."""
    namespaces: dict[str, Any] = getattr(queryset, "_namespaces", {})
    return namespaces


def _label(frame: Any, queryset: Any) -> None:
    """Replace choices and foreign keys by what they are called, each in the namespace of its row."""
    namespaces = _namespaces(queryset)
    for name in frame.columns:
        field = _field(queryset.model, name)
        if field is None:
            continue
        if field.choices:
            texts = {value: str(text) for value, text in field.flatchoices}
            frame[name] = [texts.get(value, value) for value in frame[name]]
        elif isinstance(field, models.ForeignKey) and not namespaces:
            frame[name] = _names_of(frame[name], field, queryset.db)
        elif isinstance(field, models.ForeignKey) and "home" in frame:
            parts = []
            for home, part in frame[name].groupby(frame["home"], sort=False):
                with namespace_scope(namespaces[home]):
                    parts.append(_names_of(part, field, queryset.db))
            frame[name] = pd.concat(parts) if parts else frame[name]


def _field(model: Any, path: str) -> Any:
    """Return the field at the end of a path of field names, or None if the name is something else."""
    field = None
    for name in path.split("__"):
        if model is None:
            return None
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            return None
        model = field.related_model
    return field if field is not None and field.concrete and path.endswith(field.name) else None


def _names_of(column: Any, field: Any, using: str) -> Any:
    keys = [key for key in column.unique() if not pd.isna(key)]
    target = field.target_field.attname
    names: dict[Any, str] = {}
    for some in _portions(keys):
        rows = field.related_model._base_manager.using(using).filter(**{f"{target}__in": some})
        names.update((getattr(row, target), str(row)) for row in rows)
    return pd.Series([names.get(key) for key in column], index=column.index, dtype=object)


def _portions(keys: list[Any]) -> Iterable[list[Any]]:
    return (keys[start : start + _KEYS_PER_QUERY] for start in range(0, len(keys), _KEYS_PER_QUERY))
