"""pandas frames straight from a queryset or manager; the frames themselves are made in another room."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.utils.module_loading import import_string

from smartmodels.conf import settings
from smartmodels.exceptions import ReportUnavailable

__all__ = ["FrameMethods"]


@cache
def _load(path: str) -> Any:
    # By name, because this room stands below the one that knows pandas, and pandas takes a second to load.
    try:
        return import_string(path)
    except ImportError as error:
        raise ReportUnavailable(
            f"Frames need packages that are not installed ({error}): "
            "run pip install 'django-smartmodels[reports]'."
        ) from error


def _frames() -> Any:
    return _load(settings().FRAMES)


class FrameMethods:
    """django-pandas' three methods, by its signatures, for querysets and managers.

    Integers keep their type where values are missing, decimals are exact unless ``coerce_float``, times
    have their zone. ``verbose`` shows choices and foreign keys as people read them.
    """

    def to_dataframe(
        self,
        fieldnames: Any = (),
        verbose: bool = True,
        index: str | None = None,
        coerce_float: bool = False,
        datetime_index: bool = False,
    ) -> Any:
        """Return the rows as a DataFrame; raise ReportUnavailable where pandas is not installed."""
        return _frames().to_dataframe(
            self,
            fieldnames,
            verbose=verbose,
            index=index,
            coerce_float=coerce_float,
            datetime_index=datetime_index,
        )

    def to_pivot_table(self, *args: Any, **kwargs: Any) -> Any:
        """Return the rows as a pivot table: ``to_pivot_table(values="n", rows=["a"], cols=["b"])``."""
        return _frames().to_pivot_table(self, *args, **kwargs)

    def to_timeseries(self, *args: Any, **kwargs: Any) -> Any:
        """Return the rows as a time series: ``to_timeseries(index="day", values="n", freq="M")``."""
        return _frames().to_timeseries(self, *args, **kwargs)
