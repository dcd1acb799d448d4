"""A result as CSV, XLSX, Parquet or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pandas as pd
from django.core.serializers.json import DjangoJSONEncoder

from smartmodels.querysets.cells import guarded
from smartmodels.reports.results import ReportResult

__all__ = ["render"]


def _guarded_frame(result: ReportResult) -> Any:
    rows = [{guarded(name): guarded(value) for name, value in row.items()} for row in result.rows()]
    return pd.DataFrame(rows, columns=[guarded(name) for name in result.columns], dtype=object)


def _csv(result: ReportResult) -> bytes:
    # RFC 4180; with this terminator a carriage return in a cell is quoted as well.
    text: str = _guarded_frame(result).to_csv(index=False, lineterminator="\r\n")
    return text.encode()


def _xlsx(result: ReportResult) -> bytes:
    content = BytesIO()
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "remove_timezone": True,
        "in_memory": True,
    }
    with pd.ExcelWriter(content, engine="xlsxwriter", engine_kwargs={"options": options}) as writer:
        writer.book.set_properties({"title": result.report.title, "created": result.taken_at})
        _guarded_frame(result).to_excel(writer, sheet_name="Report", index=False, freeze_panes=(1, 0))
        writer.sheets["Report"].autofit()
    return content.getvalue()


def _parquet(result: ReportResult) -> bytes:
    content = BytesIO()
    result.frame.to_parquet(content, engine="pyarrow", index=False)
    return content.getvalue()


def _json(result: ReportResult) -> bytes:
    return json.dumps(result.as_document(), cls=DjangoJSONEncoder, indent=2, allow_nan=False).encode()


_WRITERS: dict[str, Callable[[ReportResult], bytes]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "parquet": _parquet,
    "json": _json,
}


def render(result: ReportResult, form: str) -> bytes:
    """See :func:`smartmodels.reports.door.render`."""
    return _WRITERS[form](result)
