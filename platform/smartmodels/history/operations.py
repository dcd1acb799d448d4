"""Migration operations for history."""

from __future__ import annotations

import re
from importlib.resources import files

from django.db.migrations.operations import RunSQL

__all__ = ["CreateCaptureFunction", "RecordLayouts", "capture_sql"]


def capture_sql() -> str:
    """Return the definitions of all functions that stand in the public schema for history."""
    return files("smartmodels.history").joinpath("capture.sql").read_text()


class CreateCaptureFunction(RunSQL):
    """Create, or bring up to date, the functions that all tracked tables share.

    They stand once in the public schema, so put this operation into a migration of a shared app.
    """

    def __init__(self) -> None:
        sql = capture_sql()
        names = ", ".join(re.findall(r"FUNCTION (public\.\w+)\(", sql))
        super().__init__(sql=sql, reverse_sql=f"DROP FUNCTION IF EXISTS {names}")

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (type(self).__qualname__, [], {})

    def describe(self) -> str:
        return "Create the functions that keep history"


class RecordLayouts(RunSQL):
    """Record what digests cover for tables that had their triggers before the ledger had its tables."""

    def __init__(self) -> None:
        super().__init__(
            sql="SELECT public.smartmodels_record_layouts(current_schema()::text)", reverse_sql=RunSQL.noop
        )

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (type(self).__qualname__, [], {})

    def describe(self) -> str:
        return "Record what digests cover"
