"""Reports for staff, on the public host: a list, and a page per report with table, plot and downloads."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render as render_page
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.reporting.forms import ReportForm
from smartmodels.exceptions import SmartModelsError
from smartmodels.reports import (
    FORMATS,
    Report,
    ReportResult,
    all_reports,
    find_report,
    render,
    run_report,
)
from smartmodels.reports.errors import ReportUnknown

__all__ = ["report_file", "report_list", "report_page"]

View = Callable[..., HttpResponse]


def _staff_only(view: View) -> View:
    """Send anonymous visitors to the staff login; everybody else who is not staff gets 403."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user: Any = request.user
        if not user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        if not user.is_staff:
            raise PermissionDenied("Only staff may see reports.")
        return view(request, *args, **kwargs)

    return never_cache(require_safe(checked))


def _report(name: str) -> Report:
    try:
        return find_report(name)
    except ReportUnknown as error:
        raise Http404(error.message) from error


def _form(report: Report, request: HttpRequest) -> ReportForm:
    """Return the form as it was sent; as the report itself wants to be run if nothing was."""
    if "view" in request.GET or "group_by" in request.GET or "namespaces" in request.GET:
        return ReportForm(report, request.GET)
    return ReportForm(report, {"group_by": list(report.default_group_by), "namespaces": ""})


def _run(report: Report, form: ReportForm) -> ReportResult:
    asked = form.cleaned_data
    return run_report(
        report,
        group_by=asked["group_by"],
        namespaces=asked["namespaces"],
        skip_broken=asked["skip_broken"],
    )


def _query(form: ReportForm) -> str:
    """Return the query string that asks for the same again."""
    asked = form.cleaned_data
    pairs = [("view", "1"), *(("group_by", name) for name in asked["group_by"])]
    pairs += [("namespaces", ",".join(asked["namespaces"] or []))]
    if asked["skip_broken"]:
        pairs.append(("skip_broken", "on"))
    return urlencode(pairs)


def _cells(result: ReportResult) -> list[list[tuple[str, bool]]]:
    """Return the rows as (text, is a number)."""
    dimensions = len(result.group_by)
    return [
        [(_text(value), number >= dimensions) for number, value in enumerate(row.values())]
        for row in result.rows()
    ]


def _text(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@_staff_only
def report_list(request: HttpRequest) -> HttpResponse:
    """Show every report."""
    return render_page(request, "reporting/list.html", {"reports": all_reports()})


@_staff_only
def report_page(request: HttpRequest, name: str) -> HttpResponse:
    """Show one report: the form, and for a valid one the table, the plot and the downloads."""
    report = _report(name)
    form = _form(report, request)
    context: dict[str, Any] = {"report": report, "form": form}
    status = 200
    if form.is_valid():
        try:
            result = _run(report, form)
        except SmartModelsError as error:
            form.add_error(None, error.message)
            status = error.status
        else:
            headings = [dimension.label for dimension in result.group_by]
            context |= {
                "result": result,
                "headings": headings + list(result.columns[len(headings) :]),
                "cells": _cells(result),
                "query": _query(form),
                "formats": list(FORMATS),
            }
    else:
        status = 400
    return render_page(request, "reporting/report.html", context, status=status)


@_staff_only
def report_file(request: HttpRequest, name: str, form: str) -> HttpResponse:
    """Send one report as a file; the plot is shown by browsers, everything else is saved."""
    report = _report(name)
    asked = _form(report, request)
    if form not in FORMATS:
        raise Http404(f"Reports are not written as .{form}.")
    if not asked.is_valid():
        return HttpResponse(asked.errors.as_text(), status=400, content_type="text/plain; charset=utf-8")
    try:
        content = render(_run(report, asked), form)
    except SmartModelsError as error:
        return HttpResponse(error.message, status=error.status, content_type="text/plain; charset=utf-8")
    response = HttpResponse(content, content_type=FORMATS[form])
    place = "inline" if form == "png" else "attachment"
    response["Content-Disposition"] = f'{place}; filename="{report.name}.{form}"'
    return response
