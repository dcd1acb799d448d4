"""URLs of the reports; they belong on the public host."""

from __future__ import annotations

from django.urls import path, register_converter

from shared_apps.reporting.views import report_file, report_list, report_page

__all__ = ["app_name", "urlpatterns"]


class _ReportName:
    """A report's name, ``app.name``."""

    regex = r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(_ReportName, "report")

app_name = "reporting"
urlpatterns = [
    path("", report_list, name="list"),
    path("<report:name>/", report_page, name="report"),
    path("<report:name>/<slug:form>", report_file, name="file"),
]
