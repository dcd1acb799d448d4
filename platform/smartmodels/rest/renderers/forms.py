"""The forms of a list: JSON in pages, and the rest as files of all its rows."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.negotiation import DefaultContentNegotiation

from smartmodels.rest.encoding import JSONRenderer
from smartmodels.rest.faults import InvalidParameter

__all__ = ["EXPORTS", "FORMAT", "ExportRenderer", "FormNegotiation"]

FORMAT = "format"


class ExportRenderer(JSONRenderer):
    """Admits a form in ``Accept`` and ``?format=``; the view writes it, and an error is JSON there as well.

    ``binary`` forms are no text.
    """

    binary: ClassVar[bool] = False


class NdjsonRenderer(ExportRenderer):
    """One JSON object per line."""

    media_type = "application/x-ndjson"
    format = "ndjson"


class CsvRenderer(ExportRenderer):
    """Comma-separated values (RFC 4180) in UTF-8, with a line of names."""

    media_type = "text/csv"
    format = "csv"


class XlsxRenderer(ExportRenderer):
    """A workbook of one sheet."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    format = "xlsx"
    binary = True


class ParquetRenderer(ExportRenderer):
    """Columns with their types."""

    media_type = "application/vnd.apache.parquet"
    format = "parquet"
    binary = True


EXPORTS: tuple[type[ExportRenderer], ...] = (NdjsonRenderer, CsvRenderer, XlsxRenderer, ParquetRenderer)


class FormNegotiation(DefaultContentNegotiation):
    """``?format=`` of a list says the form by name and goes before ``Accept``."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Return (renderer, media type); raise InvalidParameter for a form that there is not."""
        given = request.query_params.get(FORMAT)
        if given is None or request.parser_context["view"].action != "list":
            return super().select_renderer(request, renderers, format_suffix)
        for renderer in renderers:
            if renderer.format == given:
                return renderer, renderer.media_type
        names = ", ".join(renderer.format for renderer in renderers)
        raise InvalidParameter(FORMAT, f"One of {names}.")
