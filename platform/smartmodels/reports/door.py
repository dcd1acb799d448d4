"""The way to what needs pandas, pyarrow and matplotlib, which take seconds to load and may be absent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.module_loading import import_string

from smartmodels.exceptions import ReportUnavailable
from smartmodels.reports.declaring import Report
from smartmodels.reports.results import ReportResult, check_format

__all__ = ["render", "run_report"]


def _load(name: str) -> Any:
    try:
        return import_string(f"smartmodels.reports.{name}")
    except ImportError as error:
        raise ReportUnavailable(
            f"Reports need packages that are not installed ({error}): "
            "run pip install 'django-smartmodels[reports]'."
        ) from error


def run_report(
    report: Report,
    *,
    group_by: Iterable[str] | None = None,
    namespaces: Iterable[str] | None = None,
    skip_broken: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ReportResult:
    """Run the report over all active namespaces, or those of these slugs, in one snapshot.

    ``progress`` is called with (namespaces read, namespaces in all). Raises ReportInvalid for unknown
    dimensions or namespaces, ReportIncomplete when a namespace cannot be read (unless ``skip_broken``),
    ReportUnavailable where pandas is not installed.
    """
    result: ReportResult = _load("running.run")(
        report, group_by=group_by, namespaces=namespaces, skip_broken=skip_broken, progress=progress
    )
    return result


def render(result: ReportResult, form: str) -> bytes:
    """Return the result in one of :data:`FORMATS`; raise ReportInvalid for any other."""
    chosen = check_format(form)
    content: bytes = (
        _load("plots.plot")(result) if chosen == "png" else _load("writing.render")(result, chosen)
    )
    return content
