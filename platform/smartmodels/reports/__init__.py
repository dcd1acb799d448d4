"""Frames and reports. The only room that knows pandas, which is loaded when the first frame is made.

Declare a report in ``<app>/reports.py`` with :func:`report`; run it with :func:`run_report`, turn the
result into a file with :func:`render` or :func:`write`. Querysets and managers make frames themselves:
``Study.objects.to_dataframe()``.
"""

from smartmodels.reports.declaring import Dimension, Measure, Report, all_reports, find_report, report
from smartmodels.reports.door import render, run_report
from smartmodels.reports.files import check_path, write
from smartmodels.reports.results import FORMATS, ReportResult, check_format

__all__ = [
    "FORMATS",
    "Dimension",
    "Measure",
    "Report",
    "ReportResult",
    "all_reports",
    "check_format",
    "check_path",
    "find_report",
    "render",
    "report",
    "run_report",
    "write",
]
