"""A list in other forms than JSON: NDJSON, CSV, XLSX and Parquet, of all its rows."""

from smartmodels.rest.renderers.exporting import export_list
from smartmodels.rest.renderers.forms import EXPORTS, ExportRenderer, FormNegotiation

__all__ = ["EXPORTS", "ExportRenderer", "FormNegotiation", "export_list"]
