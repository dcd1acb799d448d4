"""Why a list cannot be had in a form."""

from __future__ import annotations

from smartmodels.exceptions import SmartModelsError

__all__ = ["ExportTooLarge", "FormatUnavailable"]


class FormatUnavailable(SmartModelsError):
    """The form needs packages that this server does not have: ask for another form."""

    code = "format-unavailable"
    status = 406


class ExportTooLarge(SmartModelsError):
    """The rows are more than the form can hold: filter them, or ask for another form."""

    code = "export-too-large"
    status = 413
