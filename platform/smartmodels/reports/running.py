"""Run a report: choose namespaces, read them in one snapshot, compute the statistics per group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from django.db import DatabaseError, connections
from django.db.models import F

from smartmodels.conf import settings
from smartmodels.context import public_scope
from smartmodels.reports.copying import Layout, as_frame, copy_rows, describe
from smartmodels.reports.declaring import NAMESPACE, Dimension, Report
from smartmodels.reports.errors import ReportIncomplete, ReportInvalid
from smartmodels.reports.readiness import unready
from smartmodels.reports.results import ReportResult
from smartmodels.reports.snapshots import bounded, require_one_snapshot, snapshot
from smartmodels.reports.statements import PerSchema, compile_per_schema
from smartmodels.tenancy.models import State, get_namespace_model

__all__ = ["read_rows", "run"]

Progress = Callable[[int, int], None]
_LISTED = 20


@dataclass(slots=True)
class Reading:
    """Rows read so far, as Arrow tables of one layout, and the namespaces that could not be read."""

    layout: Layout | None = None
    tables: list[Any] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)


def run(
    report: Report,
    *,
    group_by: Iterable[str] | None,
    namespaces: Iterable[str] | None,
    skip_broken: bool,
    progress: Progress | None,
) -> ReportResult:
    """See :func:`smartmodels.reports.door.run_report`."""
    dimensions = report.grouped(report.default_group_by if group_by is None else group_by)
    queryset = _values(report, dimensions)
    with public_scope(), snapshot(using=queryset.db):
        taken_at = _now(queryset.db)
        chosen = _chosen(namespaces)
        reading = read_rows(queryset, chosen, progress=progress)
    if reading.broken and not skip_broken:
        raise ReportIncomplete(_complaint(reading.broken, len(chosen)), broken=reading.broken)
    frame, rows_read = _statistics(report, dimensions, reading, queryset.db)
    return ReportResult(
        report=report,
        group_by=dimensions,
        frame=frame,
        namespaces=tuple(namespace.slug for namespace in chosen if namespace.slug not in reading.broken),
        skipped=reading.broken,
        rows_read=rows_read,
        taken_at=taken_at,
    )


def _now(using: str) -> Any:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]


def _chosen(slugs: Iterable[str] | None) -> list[Any]:
    """Return the active namespaces, or those of ``slugs``, by slug; refuse others."""
    found = get_namespace_model().objects.order_by("slug")
    if slugs is None:
        return list(found.filter(state=State.ACTIVE))
    wanted = list(dict.fromkeys(slug.strip().lower() for slug in slugs))
    known = {namespace.slug: namespace for namespace in found.filter(slug__in=wanted)}
    if unknown := [slug for slug in wanted if slug not in known]:
        active = found.filter(state=State.ACTIVE).values_list("slug", flat=True)
        raise ReportInvalid(
            f"There is no namespace {_listed(map(repr, unknown))}: choose from {_listed(active)}.",
            unknown=unknown,
        )
    if closed := [slug for slug in wanted if known[slug].state != State.ACTIVE]:
        states = _listed(f"{slug} is {known[slug].state}" for slug in closed)
        raise ReportInvalid(f"Only active namespaces are read: {states}.", inactive=closed)
    return [known[slug] for slug in sorted(wanted)]


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - _LISTED} more" if len(shown) > _LISTED else ""
    return ", ".join(shown[:_LISTED]) + more


def _complaint(broken: dict[str, str], total: int) -> str:
    reasons = [f"{slug} ({reason})" for slug, reason in broken.items()]
    return (
        f"{len(broken)} of {total} namespaces cannot be read, so there are no totals: {_listed(reasons)}. "
        "Repair them, or leave them out by name (--skip-broken)."
    )


# Reading


def _values(report: Report, dimensions: Sequence[Dimension]) -> Any:
    """Return the rows of the report with only the columns that are needed."""
    columns: dict[str, Any] = {}
    for number, dimension in enumerate(dimensions):
        if dimension is not NAMESPACE:
            columns[f"dimension_{number}"] = dimension.path or dimension.name
    for number, measure in enumerate(report.measures):
        columns[f"measure_{number}"] = measure.path or measure.name
    expressions = {name: F(path) if isinstance(path, str) else path for name, path in columns.items()}
    return report.rows().order_by().values(**expressions)


def read_rows(values: Any, namespaces: Sequence[Any], *, progress: Progress | None = None) -> Reading:
    """Read the ``values()`` queryset in every namespace, in chunks of ``SCHEMAS_PER_STATEMENT``.

    Call it inside :func:`snapshot`. The first column is the namespace's slug. Raises ReportUnavailable
    where several chunks would not see one snapshot.
    """
    size = settings().SCHEMAS_PER_STATEMENT
    if len(namespaces) > size:
        require_one_snapshot(using=values.db)
    template = compile_per_schema(values)
    reading = Reading()
    done = 0
    for chunk in (namespaces[start : start + size] for start in range(0, len(namespaces), size)):
        broken = unready(chunk, using=values.db)
        reading.broken.update(broken)
        _read_chunk(template, [namespace for namespace in chunk if namespace.slug not in broken], reading)
        done += len(chunk)
        if progress is not None:
            progress(done, len(namespaces))
    return reading


def _read_chunk(template: PerSchema, chunk: Sequence[Any], reading: Reading) -> None:
    """Read the namespaces in one statement; if that fails, find out which of them made it fail."""
    if not chunk:
        return
    try:
        with bounded(using=template.statement.using) as cursor:
            if reading.layout is None:
                reading.layout = describe(template.over(chunk[:1]), cursor)
            reading.tables.append(copy_rows(template.over(chunk), reading.layout, cursor))
    except DatabaseError as error:
        if connections[template.statement.using].connection.closed:
            raise
        if len(chunk) == 1:
            reading.broken[chunk[0].slug] = " ".join(str(error).split("\n")[0].split())
            return
        for namespace in chunk:
            _read_chunk(template, [namespace], reading)


# Computing


def _statistics(
    report: Report, dimensions: Sequence[Dimension], reading: Reading, using: str
) -> tuple[Any, int]:
    """Return one row per group, and the number of rows behind them."""
    names = [dimension.name for dimension in dimensions]
    statistics = [column for measure in report.measures for column in report.columns_of(measure)]
    if reading.layout is None:
        return pd.DataFrame(columns=[*names, *statistics]), 0
    rows = as_frame(reading.layout, reading.tables, using=using)
    keys = [
        rows["namespace" if dimension is NAMESPACE else f"dimension_{number}"].rename(dimension.name)
        for number, dimension in enumerate(dimensions)
    ]
    parts = [
        _summary(pd.to_numeric(rows[f"measure_{number}"]), keys, report.columns_of(measure))
        for number, measure in enumerate(report.measures)
    ]
    frame = pd.concat(parts, axis="columns")
    return (frame.reset_index() if names else frame.reset_index(drop=True)), len(rows)


def _summary(values: Any, keys: list[Any], columns: Sequence[str]) -> Any:
    functions = ["count", "mean", "std", "min", "median", "max"]
    grouped = values.groupby(keys or (lambda _: 0), sort=True, dropna=False)
    return grouped.agg(functions).set_axis(list(columns), axis="columns")
