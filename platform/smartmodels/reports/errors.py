"""What is refused about reports."""

from __future__ import annotations

from smartmodels.exceptions import SmartModelsError

__all__ = ["ReportIncomplete", "ReportInvalid", "ReportUnknown"]


class ReportIncomplete(SmartModelsError):
    """Some namespaces could not be read, so there are no totals: repair them or skip them by name."""

    code = "report-incomplete"
    status = 503


class ReportInvalid(SmartModelsError):
    """The report was asked for something it cannot give: the message lists what it can."""

    code = "report-invalid"
    status = 400


class ReportUnknown(SmartModelsError):
    """No report has this name: ``manage.py report list`` shows those there are."""

    code = "report-unknown"
    status = 404
