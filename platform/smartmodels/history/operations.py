"""Migration operations for history."""

from __future__ import annotations

from importlib.resources import files

from django.db.migrations.operations import RunSQL

__all__ = ["CreateCaptureFunction"]


class CreateCaptureFunction(RunSQL):
    """Create, or bring up to date, the trigger function that all tracked tables share.

    It stands once in the public schema, so put this operation into a migration of a shared app.
    """

    def __init__(self) -> None:
        super().__init__(
            sql=files("smartmodels.history").joinpath("capture.sql").read_text(),
            reverse_sql="DROP FUNCTION IF EXISTS public.smartmodels_capture()",
        )

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (type(self).__qualname__, [], {})

    def describe(self) -> str:
        return "Create the function that captures history"
