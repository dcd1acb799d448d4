"""What a report is: rows, what is measured on them, and by what they may be grouped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules

from smartmodels.reports.errors import ReportInvalid, ReportUnknown

__all__ = [
    "NAMESPACE",
    "STATISTICS",
    "Dimension",
    "Measure",
    "Report",
    "all_reports",
    "find_report",
    "report",
]

STATISTICS = ("n", "mean", "sd", "min", "median", "max")
"""What is computed of every measure per group; ``n`` counts the values that are there, ``sd`` is the
sample's standard deviation (one value has none)."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number per row: ``path`` is a field path or expression on the report's model, the name if omitted."""

    name: str
    label: str
    unit: str = ""
    path: Any = None


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something rows may be grouped by; ``path`` as in :class:`Measure`."""

    name: str
    label: str
    path: Any = None


NAMESPACE = Dimension("namespace", "Namespace")
"""Every report can be grouped by the namespace a row lives in."""


@dataclass(frozen=True, slots=True)
class Report:
    """A declared report. ``rows`` makes the queryset; ``dimensions`` end with the namespace."""

    name: str
    title: str
    rows: Callable[[], Any]
    measures: tuple[Measure, ...]
    dimensions: tuple[Dimension, ...]
    default_group_by: tuple[str, ...]

    @property
    def description(self) -> str:
        """Return the first paragraph of the docstring of the function that declares the report."""
        return " ".join((self.rows.__doc__ or "").partition("\n\n")[0].split())

    def grouped(self, names: Iterable[str]) -> tuple[Dimension, ...]:
        """Return the dimensions of these names; raise ReportInvalid for one the report does not have."""
        known = {dimension.name: dimension for dimension in self.dimensions}
        chosen = list(dict.fromkeys(names))
        unknown = [name for name in chosen if name not in known]
        if unknown:
            raise ReportInvalid(
                f"{self.name} cannot be grouped by {', '.join(map(repr, unknown))}: "
                f"choose from {', '.join(known)}.",
                unknown=unknown,
                known=list(known),
            )
        return tuple(known[name] for name in chosen)

    def columns_of(self, measure: Measure) -> tuple[str, ...]:
        """Return the result's columns for ``measure``, in the order of :data:`STATISTICS`."""
        prefix = f"{measure.name}_" if len(self.measures) > 1 else ""
        return tuple(f"{prefix}{statistic}" for statistic in STATISTICS)


_registry: dict[str, Report] = {}


def report(
    name: str,
    *,
    title: str,
    measures: Sequence[Measure],
    dimensions: Sequence[Dimension],
    group_by: Sequence[str] = (),
) -> Callable[[Callable[[], Any]], Report]:
    """Declare the decorated function, which returns the queryset, as the report ``app.name``.

    ``group_by`` is how it is grouped unless somebody asks otherwise. Raises ImproperlyConfigured.
    """

    def declare(rows: Callable[[], Any]) -> Report:
        declared = Report(name, title, rows, tuple(measures), (*dimensions, NAMESPACE), tuple(group_by))
        _check(declared)
        _registry[name] = declared
        return declared

    return declare


def _check(declared: Report) -> None:
    known = _registry.get(declared.name)
    if not _NAME.match(declared.name):
        raise ImproperlyConfigured(f"{declared.name!r} is no name of a report: write app.name in lower case.")
    if known is not None and known.rows.__module__ != declared.rows.__module__:
        raise ImproperlyConfigured(f"Two reports are called {declared.name!r}: rename one.")
    names = [measure.name for measure in declared.measures]
    names += [dimension.name for dimension in declared.dimensions]
    if not declared.measures or len(set(names)) != len(names):
        raise ImproperlyConfigured(
            f"{declared.name} needs a measure, and every measure and dimension a name of its own "
            "('namespace' is taken)."
        )
    if missing := set(declared.default_group_by) - {dimension.name for dimension in declared.dimensions}:
        raise ImproperlyConfigured(f"{declared.name} has no dimension {', '.join(sorted(missing))}.")


@cache
def _discover() -> None:
    """Import ``reports`` of every installed app, once."""
    autodiscover_modules("reports")


def all_reports() -> list[Report]:
    """Return every declared report, by name."""
    _discover()
    return [_registry[name] for name in sorted(_registry)]


def find_report(name: str) -> Report:
    """Return the report of this name; raise ReportUnknown, which lists those there are."""
    _discover()
    if name not in _registry:
        known = ", ".join(sorted(_registry)) or "none is declared"
        raise ReportUnknown(f"There is no report {name!r}: {known}.", known=sorted(_registry))
    return _registry[name]
